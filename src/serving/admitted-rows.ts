import type { JsonValue } from '../kernel/json.ts';
import type { InputRecord } from '../models/record-check.ts';
import type { Rows, RowTable } from '../models/row-table.ts';
import { rowOf } from './row.ts';
import type { ServedVersion } from './served-version.ts';
import type { Target } from './target.ts';

/** The JSON that each row was read from, in their order, where it may stand in a log line: one line, not too long. */
export type RowTexts = readonly (string | null)[] | null;

/** A row, and the JSON that it was read from where that is known; then the row may be null where nothing else is asked. */
export interface RowSource {
  readonly row: JsonValue;
  readonly text: string | null;
}

/** Rows to run, each with its place in the request and with what its line says of it. */
export interface Admitted {
  readonly rows: Rows;
  readonly placeOf: (row: number) => number;
  readonly sourceOf: (row: number) => RowSource;
}

/** All rows of a table, which were checked when it was read. */
export function admitTable({ redact }: Target, table: RowTable, rowTexts: RowTexts): Admitted {
  return {
    rows: table,
    placeOf: (row) => row,
    sourceOf(row) {
      const text = rowTexts?.[row] ?? null;
      return { row: text === null || redact !== null ? table.record(row) : null, text };
    },
  };
}

/** The rows that fit; `onMisfit` is told of the others. */
export function admitFitting(
  { signature, check }: ServedVersion,
  values: readonly JsonValue[],
  rowTexts: RowTexts,
  onMisfit: (place: number, source: RowSource) => void,
): Admitted {
  const rows: InputRecord[] = [];
  const places: number[] = [];
  const sourceAt = (place: number, row: JsonValue): RowSource => ({
    row,
    text: row === values[place] ? (rowTexts?.[place] ?? null) : null,
  });
  values.forEach((value, place) => {
    const row = rowOf(signature, value);
    if (check.fits(row)) {
      rows.push(row);
      places.push(place);
    } else onMisfit(place, sourceAt(place, row));
  });
  return {
    rows,
    placeOf: (row) => places[row] as number,
    sourceOf: (row) => sourceAt(places[row] as number, rows[row] as InputRecord),
  };
}
