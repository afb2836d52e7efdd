import { AppError, type FieldProblem } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { compileField, compileRecordCheck } from '../record-check.ts';
import type { Field } from '../signature.ts';
import { decode, type Place, type RecordReader } from './record-reader.ts';
import { fieldsOf } from './signature-fields.ts';
import { kindOf, type RawField, type TransformSpec } from './spec.ts';

/**
 * A column as programs with data frames hold it. NaN, 2 and -1 stand for a missing value; times are Unix milliseconds;
 * `codes` are places in `values`, so that each text crosses over once.
 */
export type TypedColumn =
  | { readonly kind: 'numbers' | 'times'; readonly numbers: Float64Array }
  | { readonly kind: 'booleans'; readonly bytes: Uint8Array }
  | { readonly kind: 'values'; readonly codes: Int32Array; readonly values: readonly JsonValue[] };

/** Rows of typed columns, checked and read as the rows of a request are. */
export interface TypedRows {
  fits(row: number): boolean;
  /** Faults of a row that does not fit. */
  problems(row: number, prefix: string): readonly FieldProblem[];
  read(row: number, reader: RecordReader): void;
}

interface ColumnReader {
  /** Null where nothing can be wrong. */
  readonly fits: ((row: number) => boolean) | null;
  read(row: number, reader: RecordReader): void;
  value(row: number): JsonValue | undefined;
}

/** INPUT_INVALID names the fields that no row could have: columns that are not there, and times for another type. */
export function openTypedRows(
  spec: TransformSpec,
  columns: ReadonlyMap<string, TypedColumn>,
  places: readonly Place[],
): TypedRows {
  const fields = fieldsOf(spec);
  const problems = spec.fields.flatMap((field, i) =>
    columnProblem(field, fields[i] as Field, columns.get(field.name)),
  );
  if (problems.length > 0) {
    throw new AppError('INPUT_INVALID', 'The columns do not fit the fields of the transform', { problems });
  }
  const readers = spec.fields.map((field, i) =>
    readerOf(columns.get(field.name), field, fields[i] as Field, (places[i] as Place).index),
  );
  const checks = readers.flatMap(({ fits }) => fits ?? []);
  const check = compileRecordCheck({ fields });

  return {
    fits: (row) => checks.every((fits) => fits(row)),
    problems(row, prefix) {
      const entries = readers.flatMap(({ value }, i) => {
        const given = value(row);
        return given === undefined ? [] : [[(spec.fields[i] as RawField).name, given] as const];
      });
      return check.problems(Object.fromEntries(entries) satisfies JsonObject, prefix);
    },
    read(row, reader) {
      for (let i = 0; i < readers.length; i++) (readers[i] as ColumnReader).read(row, reader);
    },
  };
}

function columnProblem(raw: RawField, field: Field, column: TypedColumn | undefined): FieldProblem[] {
  const path = field.name;
  if (column === undefined)
    return field.required ? [{ path, message: 'is missing', expected: raw.type, got: 'nothing' }] : [];
  if (column.kind !== 'times' || raw.type === 'datetime') return [];
  return [{ path, message: 'has the wrong type', expected: raw.type, got: 'datetime' }];
}

function readerOf(column: TypedColumn | undefined, raw: RawField, field: Field, index: number): ColumnReader {
  const test = compileField(field);
  const absent = decode(raw, undefined);
  if (column === undefined) {
    return { fits: null, read: (_, reader) => put(reader, raw, index, absent), value: () => undefined };
  }
  switch (column.kind) {
    case 'numbers': {
      const { numbers } = column;
      const isText = kindOf(raw) === 'text';
      const missing = absent as number;
      const value = (row: number): number | null => {
        const x = numbers[row] as number;
        return Number.isNaN(x) ? null : x;
      };
      return {
        fits: (row) => test(value(row)),
        read(row, reader) {
          const x = numbers[row] as number;
          if (isText) put(reader, raw, index, absent);
          else reader.numbers[index] = Number.isNaN(x) ? missing : x;
        },
        value,
      };
    }
    case 'times': {
      const { numbers } = column;
      const missing = absent as number;
      return {
        fits: field.nullable ? null : (row) => !Number.isNaN(numbers[row]),
        read(row, reader) {
          const ms = numbers[row] as number;
          reader.numbers[index] = Number.isNaN(ms) ? missing : ms;
        },
        value: (row) => (Number.isNaN(numbers[row]) ? null : new Date(numbers[row] as number).toISOString()),
      };
    }
    case 'booleans':
      return readerOfCodes(column.bytes, [false, true, null], raw, test, index);
    case 'values':
      return readerOfCodes(column.codes, column.values, raw, test, index);
  }
}

/** Each distinct value is tested and decoded once. A code without a value is a missing one. */
function readerOfCodes(
  codes: Int32Array | Uint8Array,
  values: readonly JsonValue[],
  raw: RawField,
  test: (value: unknown) => boolean,
  index: number,
): ColumnReader {
  const value = (row: number): JsonValue => values[codes[row] as number] ?? null;
  const good = values.map(test);
  const missingIsGood = test(null);
  const decoded = values.map((one) => decode(raw, one));
  const missing = decode(raw, null);
  return {
    fits: good.every(Boolean) && missingIsGood ? null : (row) => good[codes[row] as number] ?? missingIsGood,
    read(row, reader) {
      const place = codes[row] as number;
      put(reader, raw, index, place < 0 ? missing : (decoded[place] as number | string | null));
    },
    value,
  };
}

function put(reader: RecordReader, raw: RawField, index: number, value: number | string | null): void {
  if (kindOf(raw) === 'text') reader.texts[index] = value as string | null;
  else reader.numbers[index] = value as number;
}
