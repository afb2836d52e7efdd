import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Dialect, Kysely } from 'kysely';
import { AppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { migrate, requireCurrentSchema } from './migrate.ts';
import type { Engine } from './migrations.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { NodeSqliteDialect } from './sqlite-dialect.ts';
import { reasonOf } from './store-failure.ts';
import type { Tables } from './tables.ts';

const LOCK_WAIT_MS = 5000;

export interface StoreOptions {
  /** `sqlite:<path>` (`sqlite::memory:` for a trial) or `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** For commands that only look: nothing is created or migrated, and writes fail. */
  readonly readOnly?: boolean;
  /** SQLite: how long a transaction waits for another writer, without blocking the thread; 5 s unless told. */
  readonly lockWaitMs?: number;
}

export interface Store {
  readonly engine: Engine;
  readonly database: Kysely<Tables>;
  /** Waits for what runs, then closes the file or the connections. */
  close(): Promise<void>;
}

interface Target {
  readonly engine: Engine;
  /** The URL without its password. */
  readonly shown: string;
  readonly path: string;
}

/**
 * Opens the store and brings its schema up to the code. CONFIG_INVALID for a URL that is none or a schema that is
 * newer, STORE_UNAVAILABLE for a file or a server that cannot be used.
 */
export async function openStore(options: StoreOptions, logger: Logger): Promise<Store> {
  const target = parseTarget(options.url);
  const readOnly = options.readOnly ?? false;
  const database = new Kysely<Tables>({ dialect: await dialectOf(target, options, logger) });
  try {
    await (readOnly ? requireCurrentSchema(database) : migrate(database, target.engine));
  } catch (error) {
    await database.destroy().catch(() => undefined);
    throw startFailure(target, error);
  }
  return { engine: target.engine, database, close: () => database.destroy() };
}

async function dialectOf(target: Target, options: StoreOptions, logger: Logger): Promise<Dialect> {
  if (target.engine === 'postgres') return postgresDialect(options.url, logger);
  const readOnly = options.readOnly ?? false;
  if (!readOnly && target.path !== ':memory:') {
    try {
      await mkdir(dirname(target.path), { recursive: true });
    } catch (error) {
      throw startFailure(target, error);
    }
  }
  return new NodeSqliteDialect({
    path: target.path,
    readOnly,
    lockWaitMs: options.lockWaitMs ?? LOCK_WAIT_MS,
  });
}

function parseTarget(url: string): Target {
  if (url.startsWith('sqlite:')) {
    const given = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    if (given === '' || given.startsWith('//')) {
      throw new AppError('CONFIG_INVALID', 'The store URL names no file: write sqlite:data/slipway.db');
    }
    const path = given === ':memory:' ? given : resolve(given);
    return { engine: 'sqlite', shown: `sqlite:${path}`, path };
  }
  // The error of `new URL` holds its input, password included: it must not become a cause. An unescaped character in
  // the password moves the borders of the URL, and part of it would be shown as a host or a database.
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isWhole =
    url.split('@').length <= 2 && parsed?.hash === '' && !/@/.test(parsed.pathname + parsed.search);
  if (parsed === null || !isWhole || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new AppError(
      'CONFIG_INVALID',
      'The store URL is not one: write sqlite:<path>, or postgres://user:password@host:5432/database ' +
        '(with :, /, ?, # and @ in the password percent-encoded)',
    );
  }
  const shown = `${parsed.protocol}//${parsed.username}@${parsed.host}${parsed.pathname}`;
  return { engine: 'postgres', shown, path: '' };
}

function startFailure(target: Target, error: unknown): AppError {
  const code = error instanceof AppError ? error.code : 'STORE_UNAVAILABLE';
  const advice =
    target.engine === 'sqlite'
      ? 'check that the directory is there and writable, that the disk has room and that the file is a database of Slipway'
      : 'check that the server runs, that the host, port and database are right, and the user and password';
  const hint = code === 'STORE_UNAVAILABLE' ? `; ${advice}` : '';
  return new AppError(code, `Cannot open the store ${target.shown}: ${reasonOf(error)}${hint}`, {
    cause: error,
  });
}
