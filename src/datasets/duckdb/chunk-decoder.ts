import type { DuckDBDataChunk, DuckDBListValue } from '@duckdb/node-api';
import type { JsonObject } from '../../kernel/json.ts';
import type { ColumnBatch, FieldColumn, Wanted } from '../../models/transforms/column-batch.ts';
import { parseTime } from '../../models/transforms/parse-time.ts';
import { type DuckDb, identifier } from './duckdb.ts';
import { type FieldSql, fieldSql, keptJson, labelSql, type Table, type TableColumn } from './field-sql.ts';
import { InlineTexts } from './inline-texts.ts';
import { readInlineTime } from './inline-times.ts';

const CELL_BYTES = 16;
const CELL_WORDS = 4;
const INLINE_BYTES = 12;

type Misread = Map<number, JsonObject>;
/** Takes the text of a row that is there. */
interface TakeText {
  /** In the cell of `head`, and that of `tail` where it is longer. */
  inline(head: Uint32Array, tail: Uint32Array | null, row: number): void;
  other(text: string, row: number): void;
}

type Decode<Column> = (chunk: DuckDBDataChunk, count: number, misread: Misread) => Column;

/**
 * What to select of a table for some fields, and how the chunks of that come back as a batch. A number is one vector. A
 * text is three: itself, and of one that is longer than the twelve bytes that DuckDB keeps inside a vector the first and
 * the second twelve characters. Following the pointer of a longer one costs a call of its own, most of a microsecond.
 */
export class ChunkDecoder {
  readonly expressions: readonly string[];
  readonly #duck: DuckDb;
  readonly #decoders: readonly Decode<FieldColumn | null>[];
  readonly #kept: readonly Decode<readonly (string | null)[]>[];
  readonly #label: number | null = null;
  /** The vector with the raw values of a row that has some that could not be read, and the fields they are of. */
  readonly #raw: { readonly vector: number; readonly names: readonly string[] } | null = null;

  constructor(duck: DuckDb, table: Table, wanted: Wanted) {
    const { fields, target, labels, keep } = wanted;
    this.#duck = duck;
    const expressions: string[] = [];
    function select(...sql: readonly string[]): number {
      return expressions.push(...sql) - sql.length;
    }
    const readable: { readonly name: string; readonly sql: FieldSql }[] = [];
    function selectText(sql: string): number {
      const isLong = `strlen(${sql}) > ${INLINE_BYTES}`;
      return select(
        sql,
        `CASE WHEN ${isLong} THEN (${sql})[1:12] END`,
        `CASE WHEN ${isLong} THEN (${sql})[13:24] END`,
      );
    }
    this.#decoders = fields.map((field): Decode<FieldColumn | null> => {
      const column = table.columns.find(({ name }) => name === field.name);
      const sql = column === undefined ? null : fieldSql(field, column, table.isText);
      if (sql === null) return () => null;
      if (sql.isMisread !== null) readable.push({ name: field.name, sql });
      if (!sql.isText) {
        const at = select(sql.value);
        return (chunk, count) => this.#numbers(chunk, at, count);
      }
      const at = selectText(sql.value);
      return field.type === 'datetime' ? this.#decodeTimes(field.name, at) : this.#decodeTexts(at);
    });
    const label = labels === true ? table.columns.find(({ name }) => name === target) : undefined;
    if (label !== undefined) {
      this.#label = select(labelSql(label, table.isText) as string);
    }
    this.#kept = (keep?.names ?? []).map((name) => {
      const column = table.columns.find((known) => known.name === name) as TableColumn;
      const sql =
        keep?.as === 'text' ? `${identifier(name)}::VARCHAR` : keptJson(column, table.isText, fields, target);
      return this.#decodeTexts(selectText(sql));
    });
    if (readable.length > 0) {
      const isAny = readable.map(({ sql }) => `(${sql.isMisread})`).join(' OR ');
      const values = readable.map(({ sql }) => `CASE WHEN ${sql.isMisread} THEN ${sql.raw} END`).join(', ');
      const vector = select(`CASE WHEN ${isAny} THEN [${values}] END`);
      this.#raw = { vector, names: readable.map(({ name }) => name) };
    }
    this.expressions = expressions;
  }

  /** The first `count` rows of the chunk. */
  decode(chunk: DuckDBDataChunk, count: number): ColumnBatch {
    const misread: Misread = new Map();
    const columns = this.#decoders.map((decode) => decode(chunk, count, misread));
    const labels = this.#label === null ? null : this.#numbers(chunk, this.#label, count);
    if (this.#raw !== null) this.#takeRaw(chunk, count, misread);
    const kept = this.#kept.map((decode) => decode(chunk, count, misread));
    return { count, columns, labels, misread, kept };
  }

  #numbers(chunk: DuckDBDataChunk, at: number, count: number): Float64Array {
    const numbers = new Float64Array(this.#bytes(chunk, at, count, Float64Array.BYTES_PER_ELEMENT)).slice();
    const valid = this.#validity(chunk, at, count);
    if (valid !== null)
      for (let row = 0; row < count; row++) if (!isSet(valid, row)) numbers[row] = Number.NaN;
    return numbers;
  }

  #decodeTexts(at: number): Decode<readonly (string | null)[]> {
    const known = new InlineTexts();
    return (chunk, count) => {
      const texts = new Array<string | null>(count).fill(null);
      this.#eachText(chunk, at, count, {
        inline(head, tail, row) {
          texts[row] = known.read(head, tail, row);
        },
        other(text, row) {
          texts[row] = text;
        },
      });
      return texts;
    };
  }

  #decodeTimes(name: string, at: number): Decode<Float64Array> {
    return (chunk, count, misread) => {
      const times = new Float64Array(count).fill(Number.NaN);
      function take(row: number, time: number): void {
        times[row] = time;
        if (!Number.isNaN(time)) return;
        misread.set(row, { ...misread.get(row), [name]: chunk.getColumnVector(at).getItem(row) as string });
      }
      this.#eachText(chunk, at, count, {
        inline: (head, tail, row) => take(row, readInlineTime(head, tail, row)),
        other: (text, row) => take(row, parseTime(text)),
      });
      return times;
    };
  }

  #eachText(chunk: DuckDBDataChunk, at: number, count: number, take: TakeText): void {
    const texts = new Uint32Array(this.#bytes(chunk, at, count, CELL_BYTES));
    const heads = new Uint32Array(this.#bytes(chunk, at + 1, count, CELL_BYTES));
    const tails = new Uint32Array(this.#bytes(chunk, at + 2, count, CELL_BYTES));
    const isThere = this.#validity(chunk, at, count);
    for (let row = 0; row < count; row++) {
      if (isThere !== null && !isSet(isThere, row)) continue;
      const bytes = texts[row * CELL_WORDS] as number;
      const head = heads[row * CELL_WORDS] as number;
      if (bytes <= INLINE_BYTES) take.inline(texts, null, row);
      else if (head <= INLINE_BYTES && bytes - head <= INLINE_BYTES) take.inline(heads, tails, row);
      // Longer than both, or with characters of several bytes.
      else take.other(chunk.getColumnVector(at).getItem(row) as string, row);
    }
  }

  #takeRaw(chunk: DuckDBDataChunk, count: number, misread: Misread): void {
    const { vector, names } = this.#raw as { vector: number; names: readonly string[] };
    const valid = this.#validity(chunk, vector, count);
    for (let row = 0; row < count; row++) {
      if (valid !== null && !isSet(valid, row)) continue;
      const { items } = chunk.getColumnVector(vector).getItem(row) as DuckDBListValue;
      const raw = names.flatMap((name, i) => (typeof items[i] === 'string' ? [[name, items[i]]] : []));
      misread.set(row, { ...misread.get(row), ...(Object.fromEntries(raw) as JsonObject) });
    }
  }

  /** The memory of a vector itself, which is gone with its chunk. */
  #bytes(chunk: DuckDBDataChunk, at: number, count: number, size: number): ArrayBuffer {
    const { raw } = this.#duck;
    const bytes = raw.vector_get_data(raw.data_chunk_get_vector(chunk.chunk, at), count * size);
    return bytes.buffer as ArrayBuffer;
  }

  /** A bit a row; null when every value is there. */
  #validity(chunk: DuckDBDataChunk, at: number, count: number): Uint8Array | null {
    const { raw } = this.#duck;
    const bytes = Math.ceil(count / 64) * 8;
    return raw.vector_get_validity(raw.data_chunk_get_vector(chunk.chunk, at), bytes) as Uint8Array | null;
  }
}

function isSet(bits: Uint8Array, row: number): boolean {
  return (((bits[row >> 3] as number) >> (row & 7)) & 1) === 1;
}
