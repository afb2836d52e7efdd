import { AppError } from '../kernel/errors.ts';
import {
  type ColumnChunk,
  doubleChunk,
  floatChunk,
  type Physical,
  textChunk,
} from './parquet/column-chunk.ts';
import { ParquetFile } from './parquet/parquet-file.ts';
import type { OpenSink, RowSink, Rows } from './row-sink.ts';

/** A row group is held until it is full. */
const MOST_GROUP_ROWS = 32_768;
const LEAST_GROUP_ROWS = 1_024;
const GROUP_VALUES = 2_000_000;

/** The columns of a transform as FLOAT. A kept one is DOUBLE when its first row group has numbers and booleans only, else text. */
export const openParquet: OpenSink = async (name, made, kept) =>
  new ParquetSink(await ParquetFile.create(name), made, kept);

class ParquetSink implements RowSink {
  readonly keptAs = 'json';
  readonly #file: ParquetFile;
  readonly #made: readonly string[];
  readonly #keptNames: readonly string[];
  readonly #columns: readonly Float32Array[];
  readonly #kept: (string | null)[][];
  readonly #most: number;
  #types: readonly Physical[] | null = null;
  #rows = 0;
  #groups = 0;

  constructor(file: ParquetFile, made: readonly string[], kept: readonly string[]) {
    this.#file = file;
    this.#made = made;
    this.#keptNames = kept;
    this.#most = Math.max(
      LEAST_GROUP_ROWS,
      Math.min(MOST_GROUP_ROWS, Math.floor(GROUP_VALUES / made.length)),
    );
    this.#columns = made.map(() => new Float32Array(this.#most));
    this.#kept = kept.map(() => []);
  }

  async write({ count, kept }: Rows, matrix: Float32Array): Promise<void> {
    for (let from = 0; from < count; ) {
      const rows = Math.min(count - from, this.#most - this.#rows);
      this.#take(matrix, from, rows);
      for (const [k, values] of kept.entries())
        for (let row = from; row < from + rows; row++) this.#kept[k]?.push(values[row] ?? null);
      this.#rows += rows;
      from += rows;
      if (this.#rows === this.#most) await this.#writeGroup();
    }
  }

  async end(): Promise<void> {
    if (this.#rows > 0) await this.#writeGroup();
    await this.#file.end(this.#named());
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #take(matrix: Float32Array, from: number, rows: number): void {
    const width = this.#made.length;
    for (const [c, column] of this.#columns.entries()) {
      let at = from * width + c;
      for (let row = this.#rows; row < this.#rows + rows; row++, at += width)
        column[row] = matrix[at] as number;
    }
  }

  async #writeGroup(): Promise<void> {
    this.#types ??= this.#kept.map((values) => (values.every(isNumber) ? 'double' : 'text'));
    const chunks = [
      ...this.#columns.map((column) => floatChunk(column.subarray(0, this.#rows))),
      ...this.#kept.map((values, k) => this.#keptChunk(values, k)),
    ];
    const columns = this.#named().map((column, i) => ({ ...column, chunk: chunks[i] as ColumnChunk }));
    await this.#file.writeGroup(this.#rows, columns);
    this.#groups++;
    this.#rows = 0;
    for (const values of this.#kept) values.length = 0;
  }

  #named(): readonly { readonly name: string; readonly type: Physical }[] {
    return [
      ...this.#made.map((name) => ({ name, type: 'float' as const })),
      ...this.#keptNames.map((name, k) => ({ name, type: this.#types?.[k] ?? 'text' })),
    ];
  }

  #keptChunk(values: readonly (string | null)[], k: number): ColumnChunk {
    if (this.#types?.[k] === 'text') return textChunk(values.map(textOf));
    const wrong = values.findIndex((value) => !isNumber(value));
    if (wrong === -1)
      return doubleChunk(values.map((value) => (value === null ? null : Number(JSON.parse(value)))));
    const row = this.#groups * this.#most + wrong + 1;
    throw new AppError(
      'INPUT_INVALID',
      `--keep ${this.#keptNames[k]}: row ${row} is no number, as those before it are: a column of Parquet has one type`,
    );
  }
}

/** Whether a value in JSON is a number that a double holds exactly, or a boolean, or missing. */
function isNumber(json: string | null): boolean {
  if (json === null || json === 'true' || json === 'false') return true;
  const value = Number(json);
  return json !== '' && Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function textOf(json: string | null): string | null {
  return json?.startsWith('"') === true ? (JSON.parse(json) as string) : json;
}
