import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import type { FieldColumn } from './column-batch.ts';
import type { Kind } from './operation.ts';
import { parseTime } from './parse-time.ts';
import { kindOf, type RawField } from './spec.ts';

/** Where a field's value lies after `read`. */
export interface Place {
  readonly kind: Exclude<Kind, 'vector'>;
  readonly index: number;
}

type Texts = readonly (string | null)[];

interface OpenColumn<Column> {
  readonly column: Column;
  /** Where its value goes. */
  readonly index: number;
  readonly absent: number | string | null;
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
  /** What stands for a missing value of each field. */
  readonly #absent: readonly (number | string | null)[];
  #open: {
    readonly numbers: readonly OpenColumn<Float64Array>[];
    readonly texts: readonly OpenColumn<Texts>[];
  } = {
    numbers: [],
    texts: [],
  };

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
    this.#absent = fields.map((field) => decode(field, undefined));
  }

  read(row: JsonObject): void {
    for (let i = 0; i < this.#fields.length; i++) this.#take(i, row[(this.#fields[i] as RawField).name]);
  }

  /** The columns that `readRow` reads, in the order of the fields, null for one that is not there; `only` some of the fields. */
  openColumns(columns: readonly (FieldColumn | null)[], only?: readonly number[]): void {
    const open = { numbers: [] as OpenColumn<Float64Array>[], texts: [] as OpenColumn<Texts>[] };
    for (const i of only ?? this.places.keys()) {
      const { kind, index } = this.places[i] as Place;
      const column = columns[i] ?? null;
      const absent = this.#absent[i];
      if (column === null && kind === 'text') this.texts[index] = absent as string | null;
      else if (column === null) this.numbers[index] = absent as number;
      else if (kind === 'text')
        open.texts.push({ column: column as Texts, index, absent: absent as string | null });
      else open.numbers.push({ column: column as Float64Array, index, absent: absent as number });
    }
    this.#open = open;
  }

  /** A row of the columns that are open. */
  readRow(row: number): void {
    const { numbers, texts } = this.#open;
    for (let i = 0; i < numbers.length; i++) {
      const { column, index, absent } = numbers[i] as OpenColumn<Float64Array>;
      const x = column[row] as number;
      this.numbers[index] = Number.isNaN(x) ? (absent as number) : x;
    }
    for (let i = 0; i < texts.length; i++) {
      const { column, index, absent } = texts[i] as OpenColumn<Texts>;
      this.texts[index] = column[row] ?? (absent as string | null);
    }
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
