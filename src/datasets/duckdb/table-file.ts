import { access } from 'node:fs/promises';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBResult } from '@duckdb/node-api';
import { AppError, messageOf } from '../../kernel/errors.ts';
import type { ColumnBatch, TrainingColumns, Wanted } from '../../models/transforms/column-batch.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { loadDuckDb, openDuckDb, shareRead } from './duckdb.ts';
import { columnProblems, sourceOf, type Table, withNumbers } from './field-sql.ts';

/** How far a stream was read, which may have broken off. */
interface Read {
  readonly rows: number;
  readonly isWhole: boolean;
  readonly error?: unknown;
}

/** A CSV with a heading, or a Parquet file, read in pieces as often as it is gone through. */
export class TableFile implements TrainingColumns {
  readonly name: string;
  #share: number | null = null;

  constructor(file: string) {
    this.name = file;
  }

  async *batches(wanted: Wanted): AsyncGenerator<ColumnBatch> {
    const duck = await loadDuckDb();
    const { connection, close } = await openDuckDb(duck);
    try {
      const table = await describeTable(connection, this.name);
      requireColumns(this.name, table, wanted);
      let read: Read = { rows: 0, isWhole: false };
      for (const as of table.isText ? [withNumbers(this.name, table, wanted), table] : [table]) {
        const decoder = new ChunkDecoder(duck, as, wanted);
        read = yield* this.#read(connection, decoder, streamOf(decoder.expressions, as, read.rows));
        if (read.isWhole) return;
      }
      if (read.error !== undefined) throw read.error;
      await connection.run(`SELECT count(COLUMNS(*)) FROM ${table.from}`);
      throw new AppError('INPUT_INVALID', `${this.name}: could not be read to its end`);
    } catch (error) {
      throw asUnreadable(this.name, error);
    } finally {
      close();
    }
  }

  share(): number | null {
    return this.#share;
  }

  /** Batches of a stream up to its end, or to where it breaks off: in its first rows with an error, later without. */
  async *#read(
    connection: DuckDBConnection,
    decoder: ChunkDecoder,
    stream: string,
  ): AsyncGenerator<ColumnBatch, Read> {
    const result = await connection.stream(stream).catch((error: unknown) => ({ error }));
    if ('error' in result) return { rows: 0, isWhole: false, error: result.error };
    // While a batch is worked on DuckDB parses the next.
    let next = fetchFrom(result);
    try {
      for (let rows = 0; ; ) {
        const chunk = await next;
        if (chunk === null || chunk.rowCount === 0) return { rows, isWhole: false };
        this.#share = shareRead(connection);
        const last = chunk.getColumnVector(decoder.expressions.length).getItem(chunk.rowCount - 1);
        const isWhole = last === true;
        const count = isWhole ? chunk.rowCount - 1 : chunk.rowCount;
        if (!isWhole) next = fetchFrom(result);
        if (count > 0) yield decoder.decode(chunk, count);
        rows += count;
        if (isWhole) return { rows, isWhole };
      }
    } finally {
      // The connection must not be closed under it.
      await Promise.allSettled([next]);
    }
  }
}

/** The next chunk; a failure is looked at when its turn has come, and until then not one that nobody takes. */
function fetchFrom(result: DuckDBResult): Promise<DuckDBDataChunk | null> {
  const chunk = result.fetchChunk();
  chunk.catch(() => undefined);
  return chunk;
}

/**
 * The rows behind the first `skipped`, and one more behind them that says that it is the last: a stream that breaks off,
 * for a line that cannot be read, ends like one that is whole, and DuckDB's client does not ask which it was.
 */
function streamOf(expressions: readonly string[], { from }: Table, skipped: number): string {
  const nothing = expressions.map(() => 'NULL').join(', ');
  const rows = `SELECT ${expressions.join(', ')}, false FROM ${from}${skipped === 0 ? '' : ` OFFSET ${skipped}`}`;
  return `(${rows}) UNION ALL SELECT ${nothing}, true`;
}

/** ARGUMENT_INVALID when there is no such file. */
export async function describeTable(connection: DuckDBConnection, file: string): Promise<Table> {
  try {
    await access(file);
  } catch (error) {
    throw new AppError('ARGUMENT_INVALID', `${file}: ${messageOf(error)}`, { cause: error });
  }
  const from = sourceOf(file);
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
  const columns = described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }));
  return { from, isText: !file.endsWith('.parquet'), columns };
}

/** INPUT_INVALID names every column that is wanted and not there, or not what it should be. */
export function requireColumns(file: string, table: Table, wanted: Wanted): void {
  const problems = columnProblems(table, wanted);
  if (problems.length === 0) return;
  const names = problems.map(({ path }) => path).join(', ');
  throw new AppError('INPUT_INVALID', `${file} does not have the columns that are read: ${names}`, {
    problems,
  });
}

/** DuckDB's own words for a file that it cannot read, without its advice on options that nobody can set here. */
export function asUnreadable(file: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const [first = '', ...rest] = messageOf(thrown).split('\n');
  const detail = rest.slice(0, rest.findIndex((line) => line === '' || line.startsWith('Possible')) >>> 0);
  return new AppError('INPUT_INVALID', `${file}: ${[first, ...detail].join(' ').slice(0, 1000)}`, {
    cause: thrown,
  });
}
