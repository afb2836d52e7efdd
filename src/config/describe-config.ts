import { z } from 'zod';
import type { ConfigPath } from './config-path.ts';
import { envNameOf, fileEnvNameOf } from './env-names.ts';
import { configSchema } from './schema.ts';

export type ConfigNode = ConfigSection | ConfigRecord | ConfigOption;

interface ConfigNodeCore {
  readonly path: ConfigPath;
  readonly description: string;
}

/** A block of options (`server`). An optional one (`server.tls`) exists only when something in it is set. */
export interface ConfigSection extends ConfigNodeCore {
  readonly kind: 'section';
  readonly optional: boolean;
  readonly children: ReadonlyMap<string, ConfigNode>;
}

/** Entries under names that the user chooses (`endpoints`); the environment gives it whole, as JSON. */
export interface ConfigRecord extends ConfigNodeCore {
  readonly kind: 'record';
  readonly env: string | null;
  readonly entry: ConfigNode;
}

export interface ConfigOption extends ConfigNodeCore {
  readonly kind: 'option';
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'enum' | 'list';
  /** The values of an enum. */
  readonly values: readonly string[];
  /** The bounds in words, or an empty text. */
  readonly bounds: string;
  /** `undefined` when the option is unset unless given. */
  readonly default: string | number | boolean | readonly string[] | undefined;
  readonly required: boolean;
  readonly secret: boolean;
  /** Null below a record, whose entries have no names of their own in the environment. */
  readonly env: string | null;
  /** `…_FILE`, for secrets. */
  readonly fileEnv: string | null;
}

/** The stand-in for the name of an entry in the path of an option below a record. */
export const ENTRY_NAME = '<name>';

interface Wrapping {
  readonly inner: z.core.$ZodTypes;
  readonly description: string;
  readonly secret: boolean;
  readonly fallback: unknown;
  readonly required: boolean;
}

function unwrap(schema: z.core.$ZodType): Wrapping {
  let inner = schema as z.core.$ZodTypes;
  let description: string | undefined;
  let secret = false;
  let fallback: unknown;
  let required = true;
  for (;;) {
    const meta = z.globalRegistry.get(inner);
    description ??= meta?.description;
    secret ||= meta?.['secret'] === true;
    const def = inner._zod.def;
    if (def.type !== 'default' && def.type !== 'prefault' && def.type !== 'optional') break;
    required = false;
    if (def.type === 'default') fallback = def.defaultValue;
    inner = def.innerType as z.core.$ZodTypes;
  }
  return { inner, description: description ?? '', secret, fallback, required };
}

function optionType(inner: z.core.$ZodTypes): Pick<ConfigOption, 'type' | 'values' | 'bounds'> {
  if (inner instanceof z.ZodBoolean) return { type: 'boolean', values: [], bounds: '' };
  if (inner instanceof z.ZodEnum) return { type: 'enum', values: inner.options.map(String), bounds: '' };
  if (inner instanceof z.ZodString) {
    const atLeast = inner.minLength ?? 0;
    return { type: 'string', values: [], bounds: atLeast > 1 ? `at least ${atLeast} characters` : '' };
  }
  if (inner instanceof z.ZodArray) return { type: 'list', values: [], bounds: '' };
  if (inner instanceof z.ZodNumber) {
    return { type: inner.isInt ? 'integer' : 'number', values: [], bounds: numberBounds(inner) };
  }
  throw new TypeError(`the configuration has no way to describe a ${inner._zod.def.type}`);
}

function numberBounds(schema: z.ZodNumber): string {
  const bounds: string[] = [];
  for (const check of schema.def.checks ?? []) {
    const def = (check as z.core.$ZodChecks)._zod.def;
    if (def.check === 'greater_than') bounds.push(`${def.inclusive ? 'at least' : 'above'} ${def.value}`);
    if (def.check === 'less_than') bounds.push(`${def.inclusive ? 'at most' : 'below'} ${def.value}`);
  }
  return bounds.join(', ');
}

function describeNode(schema: z.core.$ZodType, path: ConfigPath, named: boolean): ConfigNode {
  const { inner, description, secret, fallback, required } = unwrap(schema);
  const env = named && path.length > 0 ? envNameOf(path) : null;
  if (inner instanceof z.ZodObject) {
    const children = new Map<string, ConfigNode>();
    for (const [key, child] of Object.entries(inner.shape)) {
      children.set(key, describeNode(child, [...path, key], named));
    }
    const optional = (schema as z.core.$ZodTypes)._zod.def.type === 'optional';
    return { kind: 'section', path, description, optional, children };
  }
  if (inner instanceof z.ZodRecord) {
    const entry = describeNode(inner.valueType, [...path, ENTRY_NAME], false);
    return { kind: 'record', path, description, env, entry };
  }
  return {
    kind: 'option',
    path,
    description,
    ...optionType(inner),
    default: fallback as ConfigOption['default'],
    required,
    secret,
    env,
    fileEnv: secret && env !== null ? fileEnvNameOf(env) : null,
  };
}

/** The configuration as a tree, read off the schema once. */
export const configTree: ConfigSection = describeNode(configSchema, [], true) as ConfigSection;

/** Every option and record in the order of the schema; below a record the path holds `<name>`. */
export function describeConfig(node: ConfigNode = configTree): readonly (ConfigOption | ConfigRecord)[] {
  if (node.kind === 'option') return [node];
  if (node.kind === 'record') return [node, ...describeConfig(node.entry)];
  return [...node.children.values()].flatMap((child) => describeConfig(child));
}

/** The node that a path of real keys leads to, through records too; undefined when the schema has none. */
export function nodeAt(path: ConfigPath): ConfigNode | undefined {
  let node: ConfigNode | undefined = configTree;
  for (const segment of path) {
    if (node?.kind === 'section') node = node.children.get(segment);
    else if (node?.kind === 'record') node = node.entry;
    else return undefined;
  }
  return node;
}
