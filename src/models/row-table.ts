import type { JsonValue } from '../kernel/json.ts';
import type { InputRecord } from './record-check.ts';
import type { Field } from './signature.ts';

/**
 * Values of one scalar field: numbers, booleans as 0 and 1, NaN where they are missing; or texts, null where they are
 * missing.
 */
export type TableColumn = Float64Array | readonly (string | null)[];

/** Checked rows as a model runs them. */
export type Rows = readonly InputRecord[] | RowTable;

/** Checked rows column by column: what a model takes of many rows needs no object for each. */
export class RowTable {
  readonly fields: readonly Field[];
  /** In the order of the fields, `length` values each. */
  readonly columns: readonly TableColumn[];
  readonly length: number;

  constructor(fields: readonly Field[], columns: readonly TableColumn[], length: number) {
    this.fields = fields;
    this.columns = columns;
    this.length = length;
  }

  /** All rows, table after table: at least one, all with the same fields. */
  static concat(tables: readonly RowTable[]): RowTable {
    const { fields } = tables[0] as RowTable;
    const columns = fields.map((_, place) =>
      concatColumns(tables.map((table) => table.columns[place] as TableColumn)),
    );
    const length = tables.reduce((sum, table) => sum + table.length, 0);
    return new RowTable(fields, columns, length);
  }

  /** Rows from `from` to before `to`. Numbers are shared, not copied. */
  slice(from: number, to: number): RowTable {
    const end = Math.min(to, this.length);
    const columns = this.columns.map((column) =>
      column instanceof Float64Array ? column.subarray(from, end) : column.slice(from, end),
    );
    return new RowTable(this.fields, columns, end - from);
  }

  records(): readonly InputRecord[] {
    return Array.from({ length: this.length }, (_, row) => this.record(row));
  }

  /** A row as an object; what is missing in it is null. */
  record(row: number): InputRecord {
    const record: Record<string, JsonValue> = {};
    this.fields.forEach((field, place) => {
      record[field.name] = jsonAt(field, this.columns[place] as TableColumn, row);
    });
    return record;
  }
}

/** A row of either kind. */
export function recordAt(rows: Rows, row: number): InputRecord {
  return rows instanceof RowTable ? rows.record(row) : (rows[row] as InputRecord);
}

/** A value as it stands in JSON. */
export function jsonAt({ type }: Field, column: TableColumn, row: number): JsonValue {
  const value = column[row] as number | string | null;
  if (typeof value !== 'number') return value;
  if (Number.isNaN(value)) return null;
  return type === 'bool' ? value === 1 : value;
}

function concatColumns(parts: readonly TableColumn[]): TableColumn {
  if (!(parts[0] instanceof Float64Array)) return (parts as readonly (readonly (string | null)[])[]).flat();
  const numbers = parts as readonly Float64Array[];
  const whole = new Float64Array(numbers.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of numbers) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
