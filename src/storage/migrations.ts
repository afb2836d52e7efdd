import { type Kysely, sql } from 'kysely';
import type { Tables } from './tables.ts';

export type Engine = 'sqlite' | 'postgres';

export interface Migration {
  readonly version: number;
  readonly name: string;
  up(database: Kysely<Tables>, engine: Engine): Promise<void>;
}

/** Forward only, one series for both databases: expand first, contract in a later release. Never edit an old one. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'registry', up: createRegistry },
  { version: 2, name: 'predictions', up: createPredictions },
];

async function createRegistry(database: Kysely<Tables>): Promise<void> {
  const { schema } = database;
  await schema
    .createTable('models')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('model_versions')
    .addColumn('model', 'text', (column) => column.notNull().references('models.name'))
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('semver', 'text')
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('files_json', 'text', (column) => column.notNull())
    .addColumn('flavor', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('metadata_json', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('archived_at', 'bigint')
    .addPrimaryKeyConstraint('model_versions_pk', ['model', 'number'])
    .addUniqueConstraint('model_versions_digest', ['model', 'digest'])
    .addUniqueConstraint('model_versions_semver', ['model', 'semver'])
    .execute();
  await schema
    .createTable('model_aliases')
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('alias', 'text', (column) => column.notNull())
    .addColumn('number', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('model_aliases_pk', ['model', 'alias'])
    .addForeignKeyConstraint('model_aliases_version', ['model', 'number'], 'model_versions', [
      'model',
      'number',
    ])
    .execute();
}

async function createPredictions(database: Kysely<Tables>, engine: Engine): Promise<void> {
  const { schema } = database;
  // Ids are compared byte by byte on both databases: cheaper, and the same order.
  const id = engine === 'postgres' ? sql`text collate "C"` : sql`text`;
  await schema
    .createTable('segments')
    .addColumn('segment_id', id, (column) => column.primaryKey())
    .addColumn('byte_offset', 'bigint', (column) => column.notNull())
    .addColumn('torn_lines', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('predictions')
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('prediction_id', id, (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('model_version', 'text', (column) => column.notNull())
    .addColumn('endpoint', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('status', 'bigint', (column) => column.notNull())
    .addColumn('correlation_id', 'text')
    // Text and not jsonb: jsonb refuses the escape of NUL and rewrites numbers.
    .addColumn('line_json', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('predictions_pk', ['at', 'prediction_id'])
    .execute();
  await schema
    .createIndex('predictions_by_version')
    .on('predictions')
    .columns(['model', 'model_version', 'at'])
    .execute();
  await schema
    .createIndex('predictions_by_correlation')
    .on('predictions')
    .columns(['correlation_id', 'at'])
    .where('correlation_id', 'is not', null)
    .execute();
  await schema
    .createTable('feedback')
    .addColumn('received_at', 'bigint', (column) => column.notNull())
    .addColumn('feedback_id', id, (column) => column.notNull())
    .addColumn('prediction_id', id)
    .addColumn('correlation_id', 'text')
    .addColumn('labelled_at', 'bigint')
    .addColumn('line_json', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('feedback_pk', ['received_at', 'feedback_id'])
    .execute();
  for (const column of ['prediction_id', 'correlation_id'] as const) {
    await schema
      .createIndex(`feedback_by_${column}`)
      .on('feedback')
      .columns([column, 'received_at'])
      .where(column, 'is not', null)
      .execute();
  }
}
