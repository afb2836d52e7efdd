import { AppError, messageOf } from '../kernel/errors.ts';

/** Primary result codes of SQLite (sqlite.org/rescode.html) that say "not now" or "not this file". */
const SQLITE_BUSY = 5;
const SQLITE_UNUSABLE = new Map([
  [SQLITE_BUSY, 'The store is locked by another process'],
  [6, 'The store is locked by another process'],
  [8, 'The store is read-only'],
  [10, 'The disk of the store failed'],
  [11, 'The file of the store is damaged'],
  [13, 'The disk of the store is full'],
  [14, 'The file of the store cannot be opened'],
  [26, 'The file of the store is not a SQLite database'],
]);

/**
 * SQLSTATE classes and codes (postgresql.org, appendix A) where the same statement may succeed later or elsewhere:
 * connection, authorization, unknown database, read-only standby, rollback by conflict, resources, operator, lock.
 */
const POSTGRES_UNAVAILABLE = /^(08|28|3D|25006|40|53|55P03|57|58)/;

function numberAt(error: unknown, field: string): number | null {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, field) : null;
  return typeof value === 'number' ? value : null;
}

export function isSqliteBusy(error: unknown): boolean {
  return ((numberAt(error, 'errcode') ?? 0) & 0xff) === SQLITE_BUSY;
}

/** STORE_UNAVAILABLE when SQLite says that the file cannot be used now; anything else as it was thrown. */
export function sqliteFailure(error: unknown): unknown {
  const title = SQLITE_UNUSABLE.get((numberAt(error, 'errcode') ?? 0) & 0xff);
  return title === undefined ? error : unavailable(title, error);
}

/**
 * STORE_UNAVAILABLE for a server that is away or refuses for now; anything else as it was thrown. `pg` throws plain
 * errors without a SQLSTATE when the socket goes, and a TypeError when the caller's values were wrong.
 */
export function postgresFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof AppError) return error;
  const code: unknown = Reflect.get(error, 'code');
  const isServerError = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error;
  if (isServerError && !POSTGRES_UNAVAILABLE.test(code)) return error;
  return unavailable('The store cannot be reached', error);
}

function unavailable(title: string, cause: unknown): AppError {
  return new AppError('STORE_UNAVAILABLE', title, { cause, retryAfterSeconds: 5 });
}

/** What the database itself said, for people who may see it: start-up errors and the application log. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  if (error instanceof AppError && error.cause !== undefined)
    return `${error.message} (${reasonOf(error.cause)})`;
  return messageOf(error);
}
