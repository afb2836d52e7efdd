import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import type { Kind } from './operation.ts';
import { parseTime } from './parse-time.ts';
import { kindOf, type RawField } from './spec.ts';

/** Where a field's value lies after `read`. */
export interface Place {
  readonly kind: Exclude<Kind, 'vector'>;
  readonly index: number;
}

/**
 * Raw fields of one row as typed values, each decoded once however many outputs are made of it. Numbers and times lie in
 * `numbers` (NaN for missing), texts in `texts` (null for missing). Rows were checked before they come here.
 */
export class RecordReader {
  readonly numbers: Float64Array;
  readonly texts: (string | null)[];
  readonly places: readonly Place[];
  readonly #fields: readonly RawField[];

  constructor(fields: readonly RawField[]) {
    this.#fields = fields;
    let numbers = 0;
    let texts = 0;
    this.places = fields.map((field) => {
      const kind = kindOf(field);
      return { kind, index: kind === 'text' ? texts++ : numbers++ };
    });
    this.numbers = new Float64Array(numbers);
    this.texts = new Array<string | null>(texts).fill(null);
  }

  read(row: JsonObject): void {
    for (let i = 0; i < this.#fields.length; i++) this.#take(i, row[(this.#fields[i] as RawField).name]);
  }

  /** The row `row` of columns that lie in the order of the fields; null for a column that is not there. */
  readColumns(columns: readonly (ArrayLike<JsonValue> | null)[], row: number): void {
    for (let i = 0; i < this.#fields.length; i++) this.#take(i, columns[i]?.[row]);
  }

  #take(i: number, given: JsonValue | undefined): void {
    const { kind, index } = this.places[i] as Place;
    const value = given ?? (this.#fields[i] as RawField).default;
    if (kind === 'number') this.numbers[index] = typeof value === 'number' ? value : numberOf(value);
    else if (kind === 'text') this.texts[index] = textOf(value);
    else this.numbers[index] = timeOf(value);
  }
}

/** A field's value, or its default where it is missing, as it flows into a chain. */
export function decode(field: RawField, given: JsonValue | undefined): number | string | null {
  const value = given ?? field.default;
  const kind = kindOf(field);
  if (kind === 'text') return textOf(value);
  if (kind === 'time') return timeOf(value);
  return typeof value === 'number' ? value : numberOf(value);
}

function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function timeOf(value: JsonValue | undefined): number {
  return typeof value === 'string' ? parseTime(value) : Number.NaN;
}

function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'boolean' ? Number(value) : Number.NaN;
}
