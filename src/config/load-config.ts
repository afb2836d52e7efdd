import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { AppError, type FieldProblem } from '../kernel/errors.ts';
import { isJsonObject } from '../kernel/json.ts';
import { bareObject, type ConfigSource, mergeLayers } from './config-layers.ts';
import { type ConfigPath, pathText } from './config-path.ts';
import { type ConfigProblem, compareProblems, problemsOfIssues, prototypeKeys } from './config-problems.ts';
import { crossProblems } from './cross-checks.ts';
import { nodeAt } from './describe-config.ts';
import { readEnv } from './env-layer.ts';
import { readMlflowEnv } from './mlflow-env.ts';
import { type Config, configSchema } from './schema.ts';
import { readYaml } from './yaml-layer.ts';

/** A part of the configuration, nested like it; an undefined value is as good as absent. */
export interface ConfigFlags {
  readonly [key: string]: string | number | boolean | readonly string[] | undefined | ConfigFlags;
}

export interface ConfigInput {
  readonly file?: { readonly path: string; readonly text: string };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: ConfigFlags;
  readonly files?: ConfigFiles;
}

/** How files that settings name are looked at; both throw when that fails. */
export interface ConfigFiles {
  readSecret(path: string): string;
  checkReadable(path: string): void;
}

export interface LoadedConfig {
  readonly config: Config;
  /** By the text of the path (`server.port`), for every leaf that has a value. */
  readonly sources: ReadonlyMap<string, ConfigSource>;
}

const MOST_SECRET_BYTES = 64 * 1024;
const MOST_PROBLEMS = 100;

const diskFiles: ConfigFiles = {
  readSecret: (path) => {
    const found = statSync(path);
    if (!found.isFile()) throw new Error('it is not a file');
    if (found.size > MOST_SECRET_BYTES) throw new Error('it is larger than 64 KiB');
    return readFileSync(path, 'utf8');
  },
  checkReadable: (path) => {
    accessSync(path, constants.R_OK);
    if (!statSync(path).isFile()) throw new Error('it is not a file');
  },
};

/**
 * Defaults, overridden by MLflow's own environment variables, by the file, overridden by the environment, overridden by the flags.
 * Throws CONFIG_INVALID with every problem of all of them at once.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const files = input.files ?? diskFiles;
  const yaml = input.file && readYaml(input.file.text);
  const env = readEnv(input.env, files.readSecret);
  const { values, sources } = mergeLayers([
    { source: 'env', values: readMlflowEnv(input.env) },
    { source: 'file', values: yaml?.values },
    { source: 'env', values: env.values },
    { source: 'flag', values: input.flags },
  ]);
  const parsed = configSchema.safeParse(values);
  const found = [...prototypeKeys(values), ...problemsOfIssues(parsed.error?.issues ?? [], values)];
  const readable = parsed.success ? parsed.data : parseWithout(found, values);
  if (readable !== undefined && (yaml?.problems ?? []).length === 0) {
    const named = values['endpoints'];
    const endpointNames = isJsonObject(named) ? Object.keys(named) : [];
    const isSet = (path: ConfigPath) => sources.has(pathText(path));
    const wrong = found.map(({ path }) => path);
    found.push(
      ...crossProblems({ config: readable, endpointNames, isSet, checkReadable: files.checkReadable }, wrong),
    );
  }
  const place = (problem: ConfigProblem) => placed(problem, sources, input.file?.path, yaml?.lineOf);
  const problems = [
    ...(yaml?.problems ?? []).map((message) => ({ path: input.file?.path ?? '', message })),
    ...[...env.problems, ...found.map(place)].sort(compareProblems),
  ];
  if (problems.length > 0 || !parsed.success) throw configInvalid(problems);
  return { config: parsed.data, sources: withDefaults(parsed.data, sources) };
}

function configInvalid(problems: readonly FieldProblem[]): AppError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const shown = problems.slice(0, MOST_PROBLEMS);
  if (shown.length < problems.length) {
    shown.push({ path: '', message: `and ${problems.length - shown.length} problems more` });
  }
  return new AppError('CONFIG_INVALID', `the configuration has ${count}`, { problems: shown });
}

/** Adds to the message where the value was set, and the variable that can set it. */
function placed(
  { path, ...problem }: ConfigProblem,
  sources: ReadonlyMap<string, ConfigSource>,
  file: string | undefined,
  lineOf: ((path: ConfigPath) => number | undefined) | undefined,
): FieldProblem {
  const text = pathText(path);
  const node = nodeAt(path);
  const env = node !== undefined && node.kind !== 'section' ? node.env : null;
  const source = sourceWithin(text, sources);
  const line = source === 'env' || source === 'flag' ? undefined : lineOf?.(path);
  const places: string[] = [];
  if (line !== undefined) places.push(`${file}:${line}`);
  if (source === 'flag') places.push('set by a flag');
  if (env !== null) places.push(source === 'env' ? `set by ${env}` : `env ${env}`);
  return {
    path: text,
    ...problem,
    message: problem.message + (places.length > 0 ? ` (${places.join(', ')})` : ''),
  };
}

function sourceWithin(text: string, sources: ReadonlyMap<string, ConfigSource>): ConfigSource | undefined {
  const exact = sources.get(text);
  if (exact !== undefined) return exact;
  for (const [path, source] of sources)
    if (path.startsWith(`${text}.`) || path.startsWith(`${text}[`)) return source;
  return undefined;
}

/** The rest of the configuration when what is wrong is left out, so that it can be checked too. */
function parseWithout(problems: readonly ConfigProblem[], values: unknown): Config | undefined {
  const pruned = prune(values, [], new Set(problems.map(({ path }) => JSON.stringify(path))));
  const parsed = configSchema.safeParse(pruned ?? {});
  return parsed.success ? parsed.data : undefined;
}

function prune(value: unknown, path: ConfigPath, wrong: ReadonlySet<string>): unknown {
  if (wrong.has(JSON.stringify(path))) return undefined;
  if (!isJsonObject(value)) return value;
  const node = nodeAt(path);
  if (node?.kind === 'section' && path.length > 0) {
    for (const [key, child] of node.children) {
      const required = child.kind === 'option' && child.required;
      if (required && wrong.has(JSON.stringify([...path, key]))) return undefined;
    }
  }
  const copy = bareObject();
  for (const key of Object.keys(value)) {
    const kept = prune(Reflect.get(value, key), [...path, key], wrong);
    if (kept !== undefined) copy[key] = kept;
  }
  return copy;
}

function withDefaults(config: Config, set: ReadonlyMap<string, ConfigSource>): Map<string, ConfigSource> {
  const sources = new Map<string, ConfigSource>();
  const visit = (value: unknown, path: ConfigPath): void => {
    if (isJsonObject(value))
      for (const key of Object.keys(value)) visit(Reflect.get(value, key), [...path, key]);
    else if (value !== undefined) sources.set(pathText(path), set.get(pathText(path)) ?? 'default');
  };
  visit(config, []);
  return sources;
}

/** The endpoint of `POST /predict`: the one that is named, or the only one. Undefined when there is none. */
export function defaultEndpointOf(config: Config): string | undefined {
  return config.default_endpoint ?? Object.keys(config.endpoints)[0];
}
