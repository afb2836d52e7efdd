import type { LogFields } from '../kernel/logger.ts';

const MOST_FIELDS = 64;
const MOST_ITEMS = 50;
const MOST_LEVELS = 4;
const MOST_CHARACTERS = 4_096;
const MOST_STACK_CHARACTERS = 16_384;

/** Written by the logger itself; a caller's field of such a name goes under `labels.` instead of doubling the key. */
const RESERVED = new Set([
  '@timestamp',
  'log.level',
  'message',
  'service.name',
  'service.version',
  'process.pid',
  'ecs.version',
]);

/** The fields of a line in ECS names and bounded in number, depth and length, whatever was handed in. */
export function boundedFields(fields: LogFields | undefined): Record<string, unknown> {
  const bounded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields ?? {}).slice(0, MOST_FIELDS)) {
    if (name === 'error') Object.assign(bounded, errorFields(value));
    else bounded[RESERVED.has(name) ? `labels.${name}` : cutText(name, 128)] = boundedValue(value, 1);
  }
  return bounded;
}

export function cutText(text: string, most: number = MOST_CHARACTERS): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;
}

function errorFields(thrown: unknown): Record<string, unknown> {
  if (thrown === undefined) return {};
  if (!(thrown instanceof Error)) return { 'error.message': cutText(String(boundedText(thrown))) };
  const code =
    'code' in thrown && typeof thrown.code === 'string' ? { 'error.code': cutText(thrown.code, 128) } : {};
  return {
    'error.type': cutText(thrown.name, 128),
    ...code,
    'error.message': cutText(thrown.message),
    'error.stack_trace': cutText(stackWithCauses(thrown), MOST_STACK_CHARACTERS),
  };
}

function boundedText(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(boundedValue(value, 1)) : value;
}

function stackWithCauses(thrown: Error): string {
  const stacks: string[] = [];
  let error: unknown = thrown;
  for (let level = 0; level < MOST_LEVELS && error instanceof Error; level++) {
    stacks.push(error.stack ?? `${error.name}: ${error.message}`);
    error = error.cause;
  }
  return stacks.join('\nCaused by: ');
}

function boundedValue(value: unknown, level: number): unknown {
  switch (typeof value) {
    case 'string':
      return cutText(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? null : boundedObject(value, level);
    case 'boolean':
      return value;
    default:
      return undefined;
  }
}

function boundedObject(value: object, level: number): unknown {
  if (value instanceof Error) return cutText(`${value.name}: ${value.message}`);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (level >= MOST_LEVELS) return '[…]';
  if (Array.isArray(value))
    return value.slice(0, MOST_ITEMS).map((item: unknown) => boundedValue(item, level + 1));
  const copy: [string, unknown][] = [];
  for (const key of Object.keys(value).slice(0, MOST_ITEMS)) {
    copy.push([cutText(key, 128), boundedValue(readKey(value, key), level + 1)]);
  }
  return Object.fromEntries(copy);
}

function readKey(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return '[unreadable]';
  }
}
