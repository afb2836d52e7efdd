import { setTimeout as pause } from 'node:timers/promises';
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import { isSqliteBusy, sqliteFailure } from './store-failure.ts';

/** How long one call may block the thread on another process' lock; waits past it do not block. */
const BLOCKING_WAIT_MS = 50;
const RETRY_EVERY_MS = 10;
/** 16 MiB of pages: ingestion under load moves a page to the database once, not at each of its ten changes. */
const CHECKPOINT_PAGES = 4096;
const CACHED_STATEMENTS = 128;

export interface SqliteOptions {
  readonly path: string;
  readonly readOnly: boolean;
  /** How long the start of a transaction waits for another writer. */
  readonly lockWaitMs: number;
}

/**
 * SQLite in WAL mode: many readers beside one writer, across processes. Transactions begin immediately: a deferred
 * one fails with "database is locked" when it turns from reading to writing behind another writer.
 */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #options: SqliteOptions;

  constructor(options: SqliteOptions) {
    super({ database: () => openDatabase(options) });
    this.#options = options;
  }

  override createDriver(): Driver {
    return new ImmediateSqliteDriver({ database: () => openDatabase(this.#options) }, this.#options);
  }
}

class ImmediateSqliteDriver extends SqliteDriver {
  readonly #options: SqliteOptions;

  constructor(config: SqliteDialectConfig, options: SqliteOptions) {
    super(config);
    this.#options = options;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const begin = CompiledQuery.raw(this.#options.readOnly ? 'begin' : 'begin immediate');
    await retryWhileBusy(this.#options.lockWaitMs, () => connection.executeQuery(begin));
  }
}

async function openDatabase(options: SqliteOptions): Promise<SqliteDatabase> {
  try {
    const native = new DatabaseSync(options.path, { readOnly: options.readOnly, timeout: BLOCKING_WAIT_MS });
    try {
      // Turning WAL on needs the file alone, and SQLite does not wait for that by itself.
      if (!options.readOnly) {
        await retryWhileBusy(options.lockWaitMs, async () => native.exec('pragma journal_mode = wal'));
      }
      native.exec(
        `pragma synchronous = normal; pragma foreign_keys = on; pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
      );
    } catch (error) {
      native.close();
      throw error;
    }
    return new CachingDatabase(native);
  } catch (error) {
    throw sqliteFailure(error);
  }
}

async function retryWhileBusy(waitMs: number, attempt: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      if (!isSqliteBusy(cause) || performance.now() >= deadline) throw error;
    }
    await pause(RETRY_EVERY_MS * (0.5 + Math.random()));
  }
}

/** What Kysely's driver asks of a database (better-sqlite3's shape), with statements kept by their text. */
class CachingDatabase implements SqliteDatabase {
  readonly #native: DatabaseSyncInstance;
  readonly #statements = new Map<string, CheckedStatement>();

  constructor(native: DatabaseSyncInstance) {
    this.#native = native;
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    let prepared: CheckedStatement;
    try {
      prepared = new CheckedStatement(this.#native.prepare(sql));
    } catch (error) {
      throw sqliteFailure(error);
    }
    if (this.#statements.size === CACHED_STATEMENTS) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest);
        break;
      }
    }
    this.#statements.set(sql, prepared);
    return prepared;
  }

  close(): void {
    this.#statements.clear();
    this.#native.close();
  }
}

class CheckedStatement implements SqliteStatement {
  readonly reader: boolean;
  readonly #native: StatementSyncInstance;

  constructor(native: StatementSyncInstance) {
    this.#native = native;
    this.reader = native.columns().length > 0;
  }

  all(parameters: readonly unknown[]): unknown[] {
    try {
      return this.#native.all(...parameters.map(bindable));
    } catch (error) {
      throw sqliteFailure(error);
    }
  }

  run(parameters: readonly unknown[]): { changes: number; lastInsertRowid: number | bigint } {
    try {
      return this.#native.run(...parameters.map(bindable));
    } catch (error) {
      throw sqliteFailure(error);
    }
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.#native.iterate(...parameters.map(bindable));
  }
}

/** The binding takes a Date for named parameters and ends text at its first NUL, both without a word. */
function bindable(value: unknown): unknown {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new TypeError('text with a NUL character cannot be stored as it is');
    return value;
  }
  if (typeof value === 'number' || value === null || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`a value of type ${value instanceof Date ? 'Date' : typeof value} cannot be bound`);
}
