import { type Kysely, sql } from 'kysely';
import { AppError } from '../kernel/errors.ts';
import { type Engine, MIGRATIONS, type Migration } from './migrations.ts';
import type { Tables } from './tables.ts';

/** Any constant will do, as long as nobody else in the database takes it as an advisory lock. */
const MIGRATION_LOCK = 0x51_17_3a_79;

/**
 * Brings the schema up to the code, all steps in one transaction: SQLite's write lock or PostgreSQL's advisory lock
 * lets one process do it while the others wait. CONFIG_INVALID when the database is newer than the code.
 */
export async function migrate(
  database: Kysely<Tables>,
  engine: Engine,
  series: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const latest = series.at(-1)?.version ?? 0;
  if ((await schemaVersion(database, latest)) === latest) return;
  await database.transaction().execute(async (transaction) => {
    if (engine === 'postgres') {
      await sql`set local statement_timeout = 0`.execute(transaction);
      await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(transaction);
    }
    await createMigrationTable(transaction);
    const current = await schemaVersion(transaction, latest);
    for (const migration of series) {
      if (migration.version <= current) continue;
      await migration.up(transaction, engine);
      await transaction
        .insertInto('schema_migrations')
        .values({ version: migration.version, name: migration.name, applied_at: Date.now() })
        .execute();
    }
  });
}

/** For readers, which may not migrate: CONFIG_INVALID when the schema is not the one that this code reads. */
export async function requireCurrentSchema(database: Kysely<Tables>): Promise<void> {
  const latest = MIGRATIONS.at(-1)?.version ?? 0;
  const current = await schemaVersion(database, latest);
  if (current === latest) return;
  const state = current === 0 ? 'has no tables yet' : `has schema ${current}, this program reads ${latest}`;
  throw new AppError('CONFIG_INVALID', `The store ${state}: start \`slipway serve\` on it once`);
}

async function schemaVersion(database: Kysely<Tables>, latest: number): Promise<number> {
  const tables = await database.introspection.getTables();
  if (!tables.some((table) => table.name === 'schema_migrations')) return 0;
  const row = await database
    .selectFrom('schema_migrations')
    .select((eb) => eb.fn.max('version').as('version'))
    .executeTakeFirst();
  const current = row?.version ?? 0;
  if (current > latest) {
    throw new AppError(
      'CONFIG_INVALID',
      `The store has schema ${current} and this program knows up to ${latest}: a newer slipway wrote it. ` +
        'Run that version, or point this one at another store',
    );
  }
  return current;
}

function createMigrationTable(database: Kysely<Tables>): Promise<void> {
  return database.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('version', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
    .execute();
}
