import type { JsonObject } from '../kernel/json.ts';
import type { InputRecord } from './record-check.ts';
import type { RowTable } from './row-table.ts';
import type { Field } from './signature.ts';

/** What makes the numbers that a model takes of the raw fields that callers send. */
export interface RowTransform {
  readonly fields: readonly Field[];
  /** Names of the numbers, in their order. */
  readonly columns: readonly string[];
  /** What it is, in 64 hexadecimal digits. */
  readonly fingerprint: string;
  /** Whether it is a program rather than a document. */
  readonly executesCode: boolean;
  /** Which operations make a column, in words. */
  originOf(column: number): string;
  /** Rows at the edges of what it is told to take, made from a usual one; some may not fit the fields. */
  edgeRows(usual?: JsonObject): readonly JsonObject[];
  /** Writes the numbers of a row that passed the check of the fields, at `at`. Code may throw. */
  encode(row: InputRecord, out: Float32Array, at: number): void;
  /** Writes the numbers of all rows of a table of the fields, row by row. Absent where rows have to be records. */
  encodeTable?(table: RowTable, out: Float32Array): void;
}
