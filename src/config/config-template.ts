import { stringify } from 'yaml';
import { type ConfigNode, type ConfigOption, type ConfigSection, configTree } from './describe-config.ts';

export interface TemplateOptions {
  /** The endpoint that is written live; without one the block of endpoints is an example in comments. */
  readonly endpoint?: { readonly name: string; readonly model: string };
}

const HEADER = `# Slipway's configuration. What is commented out shows its default; take the # away to change it.
# The environment overrides this file, flags override both. \`slipway config check\` names every mistake.
`;

const EXAMPLE = { name: 'my-model', model: './model' };

/** The commented `slipway.yaml` that `slipway init` writes: every key, with the address and the endpoint live. */
export function configTemplate(options: TemplateOptions = {}): string {
  const live = new Set(['server.host', 'server.port']);
  const blocks = [...configTree.children.values()].map((node) => block(node, 0, live, options).join('\n'));
  return `${HEADER}\n${blocks.join('\n\n')}\n`;
}

function block(
  node: ConfigNode,
  depth: number,
  live: ReadonlySet<string>,
  options: TemplateOptions,
): string[] {
  const indent = '  '.repeat(depth);
  const key = node.path.at(-1) ?? '';
  if (node.kind === 'record') {
    if (node.entry.kind === 'section') return endpointBlock(node.entry, node.description, options);
    return [`${indent}# ${node.description} [${node.env}, as JSON]`, `${indent}# ${key}: {}`];
  }
  if (node.kind === 'section') {
    const children = [...node.children.values()].flatMap((child) => block(child, depth + 1, live, options));
    return [
      `${indent}# ${node.description}`,
      node.optional ? `${indent}# ${key}:` : `${indent}${key}:`,
      ...children,
    ];
  }
  const off = live.has(node.path.join('.')) ? '' : '# ';
  return [...comments(node, indent), `${indent}${off}${key}:${valueText(node)}`];
}

function comments(option: ConfigOption, indent: string): string[] {
  const notes = [option.type === 'enum' ? option.values.join(' | ') : '', option.bounds, option.env ?? ''];
  if (option.fileEnv !== null) notes.push(option.fileEnv);
  const note = notes.filter((text) => text !== '').join('; ');
  return [`${indent}# ${option.description}${note === '' ? '' : ` [${note}]`}`];
}

function valueText(option: ConfigOption): string {
  return option.default === undefined ? '' : ` ${stringify(option.default).trimEnd()}`;
}

function endpointBlock(entry: ConfigSection, description: string, { endpoint }: TemplateOptions): string[] {
  const { name, model } = endpoint ?? EXAMPLE;
  const off = endpoint === undefined ? '# ' : '';
  const lines = [`# ${description}`, 'endpoints:', `  ${off}${stringify(name).trimEnd()}:`];
  for (const [key, child] of entry.children) {
    lines.push(`    # ${child.description}`);
    if (key === 'model') lines.push(`    ${off}model: ${stringify(model).trimEnd()}`);
    else if (child.kind === 'option') lines.push(`    # ${key}:${valueText(child)}`);
    else lines.push(`    # ${key}: {}`);
  }
  return lines;
}
