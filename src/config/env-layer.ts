import { type FieldProblem, messageOf } from '../kernel/errors.ts';
import { isJsonObject, jsonTypeOf } from '../kernel/json.ts';
import { closestName } from './closest-name.ts';
import { bareObject } from './config-layers.ts';
import { pathText } from './config-path.ts';
import { type ConfigOption, type ConfigRecord, describeConfig } from './describe-config.ts';
import { ENV_PREFIX, kubernetesServiceVariables, RESERVED_ENV } from './env-names.ts';

const MOST_RECORD_CHARACTERS = 1024 * 1024;

export interface EnvLayer {
  readonly values: Record<string, unknown>;
  readonly problems: readonly FieldProblem[];
}

/**
 * Reads the settings out of an environment. Every `SLIPWAY_…` variable must be a key of the configuration;
 * numbers, booleans and enums are taken only as they are written in YAML, records as JSON, lists with commas.
 */
export function readEnv(
  env: Readonly<Record<string, string | undefined>>,
  readSecretFile: (path: string) => string,
): EnvLayer {
  const values = bareObject();
  const problems: FieldProblem[] = [];
  const known = new Set(RESERVED_ENV.keys());
  const foreign = kubernetesServiceVariables(env);
  for (const option of describeConfig()) {
    if (option.env === null) continue;
    known.add(option.env);
    const path = pathText(option.path);
    try {
      const text = foreign.has(option.env) ? undefined : textOf(option, env, known, readSecretFile);
      if (text !== undefined) put(values, option.path, parse(option, text));
    } catch (thrown) {
      problems.push({ path, message: `${messageOf(thrown)} (set by ${option.env})` });
    }
  }
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.startsWith(ENV_PREFIX) || known.has(name) || foreign.has(name)) continue;
    const meant = closestName(name, known);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    problems.push({
      path: name.slice(0, 128),
      message: `the environment variable is set but no setting has that name${hint}`,
    });
  }
  return { values, problems };
}

/** The text given for an option, from the variable or from the file that its `…_FILE` names. */
function textOf(
  option: ConfigOption | ConfigRecord,
  env: Readonly<Record<string, string | undefined>>,
  known: Set<string>,
  readSecretFile: (path: string) => string,
): string | undefined {
  const direct = option.env === null ? undefined : env[option.env];
  const fileEnv = option.kind === 'option' ? option.fileEnv : null;
  if (fileEnv !== null) known.add(fileEnv);
  const file = fileEnv === null ? undefined : env[fileEnv];
  if (file === undefined) {
    if (direct === '') throw new Error('is empty; unset the variable to leave the setting alone');
    return direct;
  }
  if (direct !== undefined) throw new Error(`is given twice: unset ${option.env} or ${fileEnv}`);
  let text: string;
  try {
    text = readSecretFile(file);
  } catch (thrown) {
    throw new Error(`the file that ${fileEnv} names cannot be read: ${messageOf(thrown)}`);
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new Error(`the file that ${fileEnv} names is empty`);
  return secret;
}

function parse(option: ConfigOption | ConfigRecord, text: string): unknown {
  if (option.kind === 'record') return parseRecord(text);
  switch (option.type) {
    case 'string':
      return text;
    case 'list':
      return text.split(',').map((item) => item.trim());
    case 'enum':
      if (!option.values.includes(text)) throw new Error(`must be one of ${option.values.join(', ')}`);
      return text;
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw new Error('must be true or false');
      return text === 'true';
    case 'integer':
      if (!/^-?(0|[1-9]\d*)$/.test(text)) throw new Error('must be an integer in decimal digits');
      return Number(text);
    case 'number':
      if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text)) throw new Error('must be a number');
      return Number(text);
  }
}

function parseRecord(text: string): unknown {
  if (text.length > MOST_RECORD_CHARACTERS) throw new Error('is larger than 1 MiB');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('must be a JSON object');
  }
  if (!isJsonObject(value)) throw new Error(`must be a JSON object, got ${jsonTypeOf(value)}`);
  return value;
}

function put(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let section = root;
  for (const key of path.slice(0, -1)) {
    section[key] ??= bareObject();
    section = section[key] as Record<string, unknown>;
  }
  section[path.at(-1) ?? ''] = value;
}
