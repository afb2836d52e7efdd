import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { parseTime } from './parse-time.ts';
import type { RawField } from './spec.ts';

/**
 * Values of one field, decoded: numbers, booleans as 0 and 1, and times as Unix milliseconds, NaN where they are missing;
 * or texts, null where they are missing.
 */
export type FieldColumn = Float64Array | readonly (string | null)[];

/** Some rows of training data, column by column. */
export interface ColumnBatch {
  readonly count: number;
  /** In the order of the fields; null for an optional field that the data do not have. */
  readonly columns: readonly (FieldColumn | null)[];
  /** Labels, NaN where there is none; null when they were not asked for. */
  readonly labels: Float64Array | null;
  /** By row, the values as they came of the fields that could not be read as what they are; missing in `columns`. */
  readonly misread: ReadonlyMap<number, JsonObject>;
  /** Values that are carried along, in the order asked for; null for a missing one. */
  readonly kept: readonly (readonly (string | null)[])[];
}

/** `text` for a cell of CSV, `json` for a value in JSON. */
export type KeptAs = 'text' | 'json';

/** What a pass reads of each row. */
export interface Wanted {
  readonly fields: readonly RawField[];
  /** The column of the label. */
  readonly target?: string | undefined;
  /** Whether labels are read, for which the target must be there. */
  readonly labels?: boolean;
  /** Columns to carry along. */
  readonly keep?: { readonly names: readonly string[]; readonly as: KeptAs };
}

interface TrainingData {
  /** For messages. */
  readonly name?: string;
  /** How much of the data the pass that runs has read, 0 to 1; null where that is not known. */
  share?(): number | null;
}

/** Training data in columns, which can be gone through more than once. */
export interface TrainingColumns extends TrainingData {
  /** INPUT_INVALID names every required field, and the target, that the data do not have. */
  batches(wanted: Wanted): AsyncIterable<ColumnBatch> | Iterable<ColumnBatch>;
}

/** Training data row by row, which can be gone through more than once. */
export interface TrainingRows extends TrainingData {
  rows(): AsyncIterable<readonly JsonObject[]> | Iterable<readonly JsonObject[]>;
}

export function inColumns(training: TrainingRows | TrainingColumns): TrainingColumns {
  if ('batches' in training) return training;
  return {
    ...(training.name !== undefined && { name: training.name }),
    share: () => training.share?.() ?? null,
    async *batches(wanted) {
      for await (const records of training.rows()) yield columnsOf(wanted, records);
    },
  };
}

export function columnsOf(
  { fields, target, labels: isLabelled, keep }: Wanted,
  records: readonly JsonObject[],
): ColumnBatch {
  const misread = new Map<number, JsonObject>();
  const columns = fields.map((field) => {
    const read = READERS[field.type];
    const column =
      field.type === 'string' ? new Array<string | null>(records.length) : new Float64Array(records.length);
    for (const [row, record] of records.entries()) {
      const given = Object.hasOwn(record, field.name) ? record[field.name] : undefined;
      const value = read(given);
      column[row] = value as never;
      const isMissing = given === undefined || (given === null && isOptional(field));
      if (!isMissing && (value === null || Number.isNaN(value)))
        misread.set(row, { ...misread.get(row), [field.name]: given as JsonValue });
    }
    return column;
  });
  const labels =
    target === undefined || isLabelled !== true
      ? null
      : Float64Array.from(records, (row) => labelOf(row[target]));
  const kept = (keep?.names ?? []).map((name) => records.map((record) => keptOf(record, name, keep?.as)));
  return { count: records.length, columns, labels, misread, kept };
}

/** A row of a batch as a caller would send it; a missing value is left out. */
export function recordOf(fields: readonly RawField[], batch: ColumnBatch, row: number): JsonObject {
  const record: Record<string, JsonValue> = {};
  for (const [i, { name, type }] of fields.entries()) {
    const value = batch.columns[i]?.[row] ?? null;
    if (value === null || Number.isNaN(value)) continue;
    if (type === 'boolean') record[name] = value === 1;
    else record[name] = type === 'datetime' ? new Date(value as number).toISOString() : value;
  }
  const raw = batch.misread.get(row);
  return isJsonObject(raw) ? { ...record, ...raw } : record;
}

function keptOf(record: JsonObject, name: string, as: KeptAs | undefined): string | null {
  const value = Object.hasOwn(record, name) ? (record[name] ?? null) : null;
  if (value === null) return null;
  return typeof value === 'string' && as === 'text' ? value : JSON.stringify(value);
}

function isOptional({ required, default: fallback }: RawField): boolean {
  return !required || fallback !== undefined;
}

type Read = (value: JsonValue | undefined) => number | string | null;

const numberOf: Read = (value) => (typeof value === 'number' ? value : Number.NaN);

const READERS: Readonly<Record<RawField['type'], Read>> = {
  number: numberOf,
  integer: numberOf,
  boolean: (value) => (typeof value === 'boolean' ? Number(value) : Number.NaN),
  string: (value) => (typeof value === 'string' ? value : null),
  datetime: (value) => (typeof value === 'string' ? parseTime(value) : Number.NaN),
};

function labelOf(label: JsonValue | undefined): number {
  if (typeof label === 'boolean') return Number(label);
  return typeof label === 'number' ? label : Number.NaN;
}
