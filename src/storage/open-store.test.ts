import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '../kernel/errors.ts';
import { silentLogger } from '../kernel/logger.ts';
import { openStore } from './open-store.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-open-store-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function failureOf(url: string, readOnly = false): Promise<AppError> {
  const reason: unknown = await openStore({ url, readOnly }, silentLogger).then(
    () => 'it opened',
    (error: unknown) => error,
  );
  if (!(reason instanceof AppError)) throw new Error(`no AppError: ${String(reason)}`);
  return reason;
}

it('makes the directory, migrates, and lets another reader look', async () => {
  const url = `sqlite:${join(directory, 'a/b/slipway.db')}`;
  expect((await failureOf(url, true)).code).toBe('STORE_UNAVAILABLE');
  const store = await openStore({ url }, silentLogger);
  const reader = await openStore({ url, readOnly: true }, silentLogger);
  expect(await reader.database.selectFrom('predictions').selectAll().execute()).toEqual([]);
  const write = reader.database.insertInto('models').values({ name: 'a', created_at: 1 }).execute();
  await expect(write).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: 'The store is read-only' });
  await Promise.all([store.close(), reader.close()]);
});

it('sets WAL, normal synchronous and foreign keys', async () => {
  const store = await openStore({ url: `sqlite:${join(directory, 'pragmas.db')}` }, silentLogger);
  const pragma = async (name: string): Promise<unknown> =>
    Object.values((await sql`pragma ${sql.raw(name)}`.execute(store.database)).rows[0] as object)[0];
  expect(await pragma('journal_mode')).toBe('wal');
  expect(await pragma('synchronous')).toBe(1);
  expect(await pragma('foreign_keys')).toBe(1);
  await store.close();
});

it('refuses values that SQLite would change without a word', async () => {
  const store = await openStore({ url: 'sqlite::memory:' }, silentLogger);
  for (const value of [new Date(), {}, undefined, 'NUL \0']) {
    await expect(sql`select ${value} as value`.execute(store.database)).rejects.toThrow(TypeError);
  }
  const held = await sql`select ${true} as yes, ${2 ** 50} as large, ${'😀'} as text`.execute(store.database);
  expect(held.rows[0]).toMatchObject({ yes: 1, large: 2 ** 50, text: '😀' });
  await store.close();
});

it('undoes a transaction that throws', async () => {
  const store = await openStore({ url: 'sqlite::memory:' }, silentLogger);
  const work = store.database.transaction().execute(async (transaction) => {
    await transaction.insertInto('models').values({ name: 'a', created_at: 1 }).execute();
    throw new Error('stop');
  });
  await expect(work).rejects.toThrow('stop');
  expect(await store.database.selectFrom('models').selectAll().execute()).toEqual([]);
  await store.close();
});

it('says what is wrong with a file and what to do', async () => {
  const junk = join(directory, 'junk.db');
  await writeFile(junk, 'no database '.repeat(1000));
  const error = await failureOf(`sqlite:${junk}`);
  expect(error.code).toBe('STORE_UNAVAILABLE');
  expect(error.message).toContain(junk);
  expect(error.message).toContain('not a SQLite database');
  const below = await failureOf(`sqlite:${join(junk, 'slipway.db')}`);
  expect(below.code).toBe('STORE_UNAVAILABLE');
  expect(below.message).toContain('check that the directory is there and writable');
});

it('creates nothing for a reader', async () => {
  const path = join(directory, 'none', 'slipway.db');
  await failureOf(`sqlite:${path}`, true);
  await expect(stat(join(directory, 'none'))).rejects.toThrow('ENOENT');
  const empty = join(directory, 'empty.db');
  await writeFile(empty, '');
  expect(await failureOf(`sqlite:${empty}`, true)).toMatchObject({ code: 'CONFIG_INVALID' });
});

it.each([
  'sqlite:',
  'sqlite://relative.db',
  'mysql://root:secret@localhost/db',
  'postgres://user:se/cret@localhost/db',
  'postgres://user:12/secret@localhost/db',
  'postgres://user:12#secret@localhost/db',
  'postgres://user:se@cret@localhost/db',
  'secret',
])('refuses the URL %s and never repeats a password', async (url) => {
  const error = await failureOf(url);
  expect(error.code).toBe('CONFIG_INVALID');
  expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toMatch(/secret|cret@/);
});
