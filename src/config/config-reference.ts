import { pathText } from './config-path.ts';
import {
  type ConfigNode,
  type ConfigOption,
  type ConfigRecord,
  configTree,
  describeConfig,
  ENTRY_NAME,
} from './describe-config.ts';
import { RESERVED_ENV } from './env-names.ts';

const INTRODUCTION = `# Configuration

<!-- Generated from src/config/schema.ts by \`npm run docs:generate\`. -->

Settings come from four places, each overriding the one before: the defaults below, \`slipway.yaml\`, the
environment, the flags of a command. \`slipway config show\` prints what is in force and where each value came
from; \`slipway config check\` lists every problem at once.

- A setting that does not exist is an error, in the file and in the environment (\`SLIPWAY_…\`). Variables that
  Kubernetes adds for a Service (\`SLIPWAY_SERVICE_HOST\`, \`SLIPWAY_PORT=tcp://…\`) are passed over.
- In the environment numbers, booleans (\`true\`, \`false\`) and enums are written as in YAML; an empty variable
  is an error. Records (\`endpoints\`) are one JSON object, which replaces those of the file:
  \`SLIPWAY_ENDPOINTS='{"iris": {"model": "models:/iris/Production"}}'\`.
- Secrets may come from a file (\`SLIPWAY_AUTH_API_KEY_FILE=/run/secrets/api-key\`, one newline at its end is cut
  off) instead of the variable, not both. They are never printed.
- Paths are relative to the working directory. YAML is 1.2, at most 1 MiB, without merge keys (\`<<\`).
`;

/** The text of docs/reference/configuration.md. */
export function configReference(): string {
  const plain: ConfigNode[] = [];
  const grouped: ConfigNode[] = [];
  for (const node of configTree.children.values()) (node.kind === 'option' ? plain : grouped).push(node);
  const sections = grouped.map(
    (node) => `## ${node.path.join('.')}\n\n${node.description}.\n\n${table([node])}`,
  );
  const reserved = [...RESERVED_ENV].map(([name, meaning]) => `- \`${name}\`: ${meaning}`);
  return [
    INTRODUCTION,
    `## Top level\n\n${table(plain)}`,
    ...sections,
    `## Variables that are no settings\n\n${reserved.join('\n')}\n`,
  ].join('\n');
}

function table(nodes: readonly ConfigNode[]): string {
  const rows = nodes.flatMap((node) => describeConfig(node)).map(row);
  return ['| setting | environment | type | default | |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}

function row(option: ConfigOption | ConfigRecord): string {
  const path = option.path.map((key) => (key === ENTRY_NAME ? key : pathText([key]))).join('.');
  const env = option.env === null ? '' : code(option.env);
  if (option.kind === 'record') return cells([code(path), env, 'record', code('{}'), option.description]);
  const type = option.type === 'enum' ? option.values.map(code).join(', ') : option.type;
  const fallback =
    option.default === undefined
      ? option.required
        ? 'required'
        : 'unset'
      : code(defaultText(option.default));
  const file = option.fileEnv === null ? env : `${env} or ${code(option.fileEnv)}`;
  const bounds = option.bounds === '' ? '' : `, ${option.bounds}`;
  const secret = option.secret ? ', secret' : '';
  return cells([code(path), file, type + bounds + secret, fallback, option.description]);
}

function defaultText(value: NonNullable<ConfigOption['default']>): string {
  return typeof value === 'object' ? `[${value.join(', ')}]` : String(value);
}

function code(text: string): string {
  return `\`${text}\``;
}

function cells(texts: readonly string[]): string {
  return `| ${texts.join(' | ')} |`;
}
