import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { type Logger, silentLogger } from '../kernel/logger.ts';
import { postgresFailure } from './store-failure.ts';

const INT8 = 20;
const CONNECT_TIMEOUT_MS = 5000;
const STATEMENT_TIMEOUT_MS = 60_000;

/** PostgreSQL over a pool of `pg`. Our integers are milliseconds and counts, so int8 is read as a number. */
export function postgresDialect(connectionString: string, logger: Logger = silentLogger): PostgresDialect {
  const pool = new pg.Pool({
    connectionString,
    application_name: 'slipway',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format as 'text'),
    },
  });
  // Without a listener an idle connection that the server closes ends the process.
  pool.on('error', (error) => logger.warn('an idle connection to the store was lost', { error }));
  return new PostgresDialect({ pool: translating(pool) });
}

function translating(pool: pg.Pool): PostgresPool {
  const wrapped = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  return {
    async connect() {
      try {
        const client = await pool.connect();
        const known = wrapped.get(client) ?? wrapClient(client);
        wrapped.set(client, known);
        return known;
      } catch (error) {
        throw postgresFailure(error);
      }
    },
    end: () => pool.end(),
  };
}

function wrapClient(client: pg.PoolClient): PostgresPoolClient {
  const query = async (sql: string, parameters: readonly unknown[]): Promise<unknown> => {
    try {
      return await client.query(sql, [...parameters]);
    } catch (error) {
      throw postgresFailure(error);
    }
  };
  return { query: query as PostgresPoolClient['query'], release: () => client.release() };
}
