import { availableParallelism } from 'node:os';
import type { DuckDBConnection } from '@duckdb/node-api';
import { AppError } from '../../kernel/errors.ts';

/** As in package.json. */
export const DUCKDB_PACKAGE = '@duckdb/node-api@1.5.6-r.1';

export interface DuckDb {
  readonly api: typeof import('@duckdb/node-api');
  /** The C API: the vectors of `api` decode value by value, these hand out memory. */
  readonly raw: typeof import('@duckdb/node-bindings');
}

/** More threads cost memory and wait for the one that encodes. */
const MOST_THREADS = 4;

const SETTINGS = [
  // Counts what a query has read, and prints nothing.
  'SET enable_progress_bar = true',
  'SET enable_progress_bar_print = false',
  // Some twenty chunks that are read ahead of a stream: parsing does not wait for who takes them.
  "SET streaming_buffer_size = '16MB'",
];

/** ARGUMENT_INVALID when the package, which is optional, is not installed. */
export async function loadDuckDb(): Promise<DuckDb> {
  try {
    const [api, raw] = await Promise.all([import('@duckdb/node-api'), import('@duckdb/node-bindings')]);
    return { api, raw: raw.default };
  } catch (error) {
    throw new AppError(
      'ARGUMENT_INVALID',
      `CSV and Parquet are read with DuckDB, which is not installed: npm install ${DUCKDB_PACKAGE}`,
      { cause: error },
    );
  }
}

export interface OpenDuckDb {
  readonly connection: DuckDBConnection;
  close(): void;
}

/** A connection to an empty database in memory, within bounds that hold however large a file is. */
export async function openDuckDb({ api }: DuckDb): Promise<OpenDuckDb> {
  const instance = await api.DuckDBInstance.create(':memory:', {
    threads: String(Math.min(MOST_THREADS, availableParallelism())),
    memory_limit: '256MB',
    temp_directory: '',
  });
  const connection = await instance.connect();
  await connection.run(SETTINGS.join('; '));
  return {
    connection,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** How much of the running query was read, 0 to 1; null where DuckDB does not know. */
export function shareRead(connection: DuckDBConnection): number | null {
  const { percentage } = connection.progress;
  return percentage < 0 ? null : percentage / 100;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
