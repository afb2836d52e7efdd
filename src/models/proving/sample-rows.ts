import type { JsonValue } from '../../kernel/json.ts';
import { compileRecordCheck, type InputRecord } from '../record-check.ts';
import { type Field, floatMaximum, integerBounds, type Signature } from '../signature.ts';

/** Values of fields that are worth trying, from whoever knows the model's inside: thresholds, categories, means. */
export type Probes = Readonly<Record<string, readonly JsonValue[]>>;

interface Sampling {
  /** How many rows to make. */
  readonly count: number;
  /** The same seed gives the same rows. */
  readonly seed: number;
  readonly probes?: Probes;
}

/** Tries for one row that fits the signature; a field may have rules that most values break. */
const TRIES = 8;
const SEEN_VALUES = 500;
const UNKNOWN_TEXTS = ['a category that was never seen', '', 'é😀'];
const PLAIN_NUMBERS = [0, 1, -1, 0.1, 0.5, 2, 3, 10, 100, -2.5];
const FAR_NUMBERS = [1e6, -1e6, 16_777_217, 1e-30];
const PLAIN_TEXTS = ['a', 'b'];
const TIMES = ['2026-03-02T10:15:00Z', '2024-02-29T23:59:59Z', '1970-01-01T00:00:00Z'];

/**
 * Rows around those that were seen: mixes of their values, values at bounds, thresholds and a step beside them, numbers
 * that float32 holds and numbers that it does not, unknown categories, and missing values where they may be. Every row fits
 * the signature.
 */
export function sampleRows(
  signature: Signature,
  seen: readonly InputRecord[],
  { count, seed, probes = {} }: Sampling,
): readonly InputRecord[] {
  const random = seededRandom(seed);
  const check = compileRecordCheck(signature);
  const fields = signature.fields.map((field) => new FieldSampler(field, seen, probes[field.name], random));
  const rows: InputRecord[] = [];
  for (let tried = 0; rows.length < count && tried < count * TRIES; tried++) {
    const base = seen.length === 0 ? null : seen[Math.floor(random() * seen.length)];
    const row = rowOf(fields, base ?? null, WAYS[tried % WAYS.length] as Way, random);
    if (check.fits(row)) rows.push(row);
  }
  return rows;
}

/**
 * How a row is made: `mix` takes each field from any row, `one` changes one field of a row, `around` takes each from around
 * what was seen, `near` moves the numbers of a row by as little as float32 and float64 see, `gaps` leaves fields out.
 */
const WAYS = ['mix', 'one', 'around', 'near', 'gaps', 'around'] as const;
type Way = (typeof WAYS)[number];

function rowOf(
  fields: readonly FieldSampler[],
  base: InputRecord | null,
  way: Way,
  random: () => number,
): InputRecord {
  const changed = Math.floor(random() * fields.length);
  const row: Record<string, JsonValue> = {};
  fields.forEach((sampler, place) => {
    const { name } = sampler.field;
    const own = base !== null && Object.hasOwn(base, name) ? (base[name] as JsonValue) : undefined;
    const value = valueFor(sampler, own, way, { isChanged: place === changed, random });
    if (value !== undefined) row[name] = value;
  });
  return row;
}

function valueFor(
  sampler: FieldSampler,
  own: JsonValue | undefined,
  way: Way,
  { isChanged, random }: { readonly isChanged: boolean; readonly random: () => number },
): JsonValue | undefined {
  if (sampler.field.param !== undefined) return own;
  if (way === 'one') return isChanged ? sampler.around() : (own ?? sampler.usual());
  if (way === 'around') return sampler.around();
  if (way === 'near') return sampler.near(own ?? sampler.usual());
  if (way === 'gaps' && sampler.canMiss && random() < 0.3) return sampler.gap();
  return sampler.usual();
}

/** Values for one field. */
class FieldSampler {
  readonly field: Field;
  /** What callers send. */
  readonly #usual: readonly JsonValue[];
  /** What lies at the edges. */
  readonly #edges: readonly JsonValue[];
  readonly #range: readonly [number, number];
  readonly #random: () => number;

  constructor(
    field: Field,
    seen: readonly InputRecord[],
    probes: readonly JsonValue[] = [],
    random: () => number,
  ) {
    this.field = field;
    this.#random = random;
    const own = seen.slice(0, SEEN_VALUES).flatMap((row) => {
      const value = Object.hasOwn(row, field.name) ? row[field.name] : undefined;
      return value === undefined || value === null ? [] : [value];
    });
    this.#usual = [...own, ...(own.length === 0 || field.type === 'string' ? probes : [])];
    if (this.#usual.length === 0) this.#usual = plainValues(field);
    const numbers = [...own, ...probes].filter((value) => typeof value === 'number');
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
    this.#range = numbers.length === 0 ? [-3, 3] : [least - (most - least) / 4, most + (most - least) / 4];
    this.#edges = [...probes, ...edgesOf(field, numbers)];
  }

  /** A value as callers send it. */
  usual(): JsonValue | undefined {
    return this.#pick(this.#usual);
  }

  /** A value at an edge, or anywhere in the range. */
  around(): JsonValue | undefined {
    if (this.field.shape.length > 0) return this.near(this.usual());
    const dice = this.#random();
    if (dice < 0.1 && this.canMiss) return this.gap();
    if (dice < 0.5 && this.#edges.length > 0) return this.near(this.#pick(this.#edges));
    if (!isNumeric(this.field)) return this.usual();
    const [least, most] = this.#range;
    return numberFor(this.field, least + this.#random() * (most - least));
  }

  /** The value itself, the float32 next to it, or a float64 a step above or below either. */
  near(value: JsonValue | undefined): JsonValue | undefined {
    if (Array.isArray(value)) return value.map((item) => this.near(item) ?? null);
    if (typeof value !== 'number' || !isNumeric(this.field)) return value;
    const whole = integerBounds(this.field.type) !== null;
    const step = whole ? 1 : Math.max(Math.abs(value), 1e-300) * 2 ** -52;
    const narrow = Math.fround(value);
    const near = [value, value, narrow, value + step, value - step, narrow + step, value * (1 + 1e-7)];
    return numberFor(this.field, this.#pick(near) ?? value);
  }

  /** Whether nothing may be sent. */
  get canMiss(): boolean {
    return this.field.nullable || !this.field.required;
  }

  /** Null, or left out. */
  gap(): null | undefined {
    if (!this.field.nullable) return undefined;
    return this.field.required || this.#random() < 0.5 ? null : undefined;
  }

  #pick<Value>(values: readonly Value[]): Value | undefined {
    return values[Math.floor(this.#random() * values.length)];
  }
}

function plainValues(field: Field): readonly JsonValue[] {
  const scalars: readonly JsonValue[] = isNumeric(field)
    ? PLAIN_NUMBERS.map((number) => numberFor(field, number))
    : field.type === 'bool'
      ? [true, false]
      : (field.oneOf ?? (field.format === 'date-time' ? TIMES : PLAIN_TEXTS));
  return scalars.map((scalar) => shaped(field.shape, scalar));
}

function shaped([size, ...inner]: readonly number[], scalar: JsonValue): JsonValue {
  if (size === undefined) return scalar;
  return Array.from({ length: size === -1 ? 4 : size }, () => shaped(inner, scalar));
}

function edgesOf(field: Field, numbers: readonly number[]): readonly JsonValue[] {
  if (field.type === 'bool') return [true, false];
  if (field.type === 'string') {
    if (field.format === 'date-time') return TIMES;
    return field.oneOf ?? UNKNOWN_TEXTS;
  }
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const middles = sorted.slice(1).map((number, i) => (number + (sorted[i] as number)) / 2);
  const bounds = [field.minimum, field.maximum].filter((bound) => bound !== undefined);
  return [...sorted, ...middles, ...bounds, ...PLAIN_NUMBERS, ...FAR_NUMBERS].map((number) =>
    numberFor(field, number),
  );
}

function isNumeric({ type }: Field): boolean {
  return type !== 'string' && type !== 'bool';
}

/** The nearest number that the field takes. */
function numberFor(field: Field, number: number): number {
  const bounds = integerBounds(field.type);
  const most = floatMaximum(field.type) ?? bounds?.[1] ?? Number.MAX_VALUE;
  const least = bounds?.[0] ?? -most;
  const allowed = Math.min(Math.max(number, field.minimum ?? least, least), field.maximum ?? most, most);
  return bounds === null ? allowed : Math.round(allowed);
}

/** Mulberry32: numbers from 0 to 1 that are the same on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
