import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { documentOf, type TransformSpec } from './spec.ts';

/** One value that two transforms do not share; undefined on the side that does not have it. */
export interface Difference {
  /** `fields.price.minimum`, `outputs.price.steps[1].fitted.mean`, or `outputs` for their order. */
  readonly path: string;
  /** The operation that the value belongs to; null when it belongs to none. */
  readonly operation: string | null;
  readonly a: JsonValue | undefined;
  readonly b: JsonValue | undefined;
}

type Named = JsonObject & { readonly name: string };

/** Everything in which two transforms differ, field by field, then operation by operation; none means the same fingerprint. */
export function diffTransforms(a: TransformSpec, b: TransformSpec): readonly Difference[] {
  const [left, right] = [a, b].map((spec) => JSON.parse(JSON.stringify(documentOf(spec))) as JsonObject) as [
    JsonObject,
    JsonObject,
  ];
  const found: Difference[] = [];
  compare(left['target'], right['target'], 'target', null, found);
  for (const part of ['fields', 'outputs'] as const) {
    const [ours, theirs] = [left[part], right[part]] as unknown as [readonly Named[], readonly Named[]];
    for (const { name, one, other } of paired(ours, theirs)) {
      const path = `${part}.${name}`;
      if (one === undefined || other === undefined) found.push({ path, operation: null, a: one, b: other });
      else if (part === 'fields') compare(one, other, path, null, found);
      else compareOutputs(one, other, path, found);
    }
    const [orderA, orderB] = [common(ours, theirs), common(theirs, ours)];
    if (orderA.join('\n') !== orderB.join('\n'))
      found.push({ path: part, operation: null, a: orderA, b: orderB });
  }
  return found;
}

/** The differences in a line each, for people. */
export function describeDifference({ path, operation, a, b }: Difference): string {
  const place = operation === null ? path : `${path} (${operation})`;
  if (a === undefined) return `${place}: only in B: ${short(b)}`;
  if (b === undefined) return `${place}: only in A: ${short(a)}`;
  if (Array.isArray(a) && Array.isArray(b)) {
    const [onlyA, onlyB] = [without(a, b), without(b, a)];
    if (onlyA.length + onlyB.length > 0)
      return `${place}: only in A ${short(onlyA)}, only in B ${short(onlyB)}`;
  }
  const change = typeof a === 'number' && typeof b === 'number' ? ` (by ${b - a})` : '';
  return `${place}: ${short(a)} in A, ${short(b)} in B${change}`;
}

function compareOutputs(one: Named, other: Named, path: string, found: Difference[]): void {
  const { steps: stepsA, ...restA } = one;
  const { steps: stepsB, ...restB } = other;
  compare(restA, restB, path, null, found);
  const [ours, theirs] = [stepsA, stepsB] as [readonly JsonObject[], readonly JsonObject[]];
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [a, b] = [ours[i], theirs[i]];
    const at = `${path}.steps[${i}]`;
    const operation = String((a ?? b)?.['op']);
    if (a === undefined || b === undefined || a['op'] !== b['op']) found.push({ path: at, operation, a, b });
    else compare(a, b, at, operation, found);
  }
}

/** Down to the leaves of objects; a list is one value. */
function compare(
  a: JsonValue | undefined,
  b: JsonValue | undefined,
  path: string,
  operation: string | null,
  found: Difference[],
): void {
  if (isJsonObject(a) && isJsonObject(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
      compare(ownOf(a, key), ownOf(b, key), `${path}.${key}`, operation, found);
  } else if (JSON.stringify(a) !== JSON.stringify(b)) found.push({ path, operation, a, b });
}

function ownOf(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

interface Pair {
  readonly name: string;
  readonly one: Named | undefined;
  readonly other: Named | undefined;
}

function paired(ours: readonly Named[], theirs: readonly Named[]): readonly Pair[] {
  const one = new Map(ours.map((each) => [each.name, each]));
  const other = new Map(theirs.map((each) => [each.name, each]));
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].map((name) => ({ name, one: one.get(name), other: other.get(name) }));
}

function common(of: readonly Named[], others: readonly Named[]): readonly string[] {
  const known = new Set(others.map(({ name }) => name));
  return of.flatMap(({ name }) => (known.has(name) ? [name] : []));
}

function without(items: readonly JsonValue[], others: readonly JsonValue[]): readonly JsonValue[] {
  const known = new Set(others);
  return items.filter((item) => !known.has(item));
}

const SHOWN_LETTERS = 200;

function short(value: JsonValue | undefined): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= SHOWN_LETTERS ? text : `${text.slice(0, SHOWN_LETTERS)}…`;
}
