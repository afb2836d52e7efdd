import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import { openStore, type Store } from '../../src/storage/open-store.ts';
import { KyselyFeedbackStore } from '../../src/storage/predictions/kysely-feedback-store.ts';
import { KyselyIngestStore } from '../../src/storage/predictions/kysely-ingest-store.ts';
import { KyselyPredictionStore } from '../../src/storage/predictions/kysely-prediction-store.ts';
import { KyselyModelStore } from '../../src/storage/registry/kysely-model-store.ts';
import { startPostgres } from '../support/postgres.ts';
import { buildStoreProcesses, type StoreProcesses } from '../support/store-process.ts';
import { describeFeedbackStore } from './feedback-store-suite.ts';
import { describeIngestStore } from './ingest-store-suite.ts';
import { describeModelStore } from './model-store-suite.ts';
import { describePredictionStore } from './prediction-store-suite.ts';
import { describeSqliteLocks, describeStoreOutage } from './store-outage-suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'slipway-stores-'));
const postgres = await startPostgres();
let processes: StoreProcesses;

beforeAll(async () => {
  processes = await buildStoreProcesses();
});

afterAll(async () => {
  await processes.remove();
  await rm(directory, { recursive: true, force: true });
  if (typeof postgres !== 'string') await postgres.stop();
});

let databases = 0;
const newSqlite = async (): Promise<string> => `sqlite:${join(directory, `store-${++databases}.db`)}`;
const newPostgres = async (): Promise<string> =>
  typeof postgres === 'string' ? '' : postgres.createDatabase(`store_${++databases}`);

describe('stores on SQLite', () => {
  describeStores(newSqlite);
  describeSqliteLocks(newSqlite, () => processes);
});

const skipped = typeof postgres === 'string' ? ` (skipped, it cannot start here: ${postgres})` : '';
describe.skipIf(skipped !== '')(`stores on PostgreSQL${skipped}`, () => {
  describeStores(newPostgres);
  describeStoreOutage(newPostgres, () => {
    if (typeof postgres === 'string') throw new Error(postgres);
    return postgres;
  });
});

function describeStores(newDatabase: () => Promise<string>): void {
  let store: Store;
  let other: Store;

  beforeAll(async () => {
    const url = await newDatabase();
    store = await openStore({ url }, silentLogger);
    other = await openStore({ url }, silentLogger);
  });
  afterAll(async () => {
    await store.close();
    await other.close();
  });

  describeModelStore(() => new KyselyModelStore(store.database));
  const stores = () => ({
    store,
    ingest: new KyselyIngestStore(store.database),
    elsewhere: new KyselyIngestStore(other.database),
    predictions: new KyselyPredictionStore(store.database),
    feedback: new KyselyFeedbackStore(store.database),
  });
  describeIngestStore(stores);
  describePredictionStore(stores);
  describeFeedbackStore(stores);

  describe('openStore', () => {
    it('migrates once when four processes start at the same time', async () => {
      const url = await newDatabase();
      const started = Array.from({ length: 4 }, () => processes.start('open', url));
      await Promise.all(started.map((process) => process.ended()));
      const opened = await openStore({ url }, silentLogger);
      const rows = await opened.database.selectFrom('schema_migrations').select('version').execute();
      await opened.close();
      expect(rows.map((row) => row.version).sort()).toEqual([1, 2]);
    });

    it('lets two processes write to one model', async () => {
      const url = await newDatabase();
      const opened = await openStore({ url }, silentLogger);
      const writers = [processes.start('write', url, '150'), processes.start('write', url, '150')];
      await Promise.all(writers.map((writer) => writer.said('ready')));
      for (const writer of writers) writer.go();
      await Promise.all(writers.map((writer) => writer.ended()));
      const model = await new KyselyModelStore(opened.database).findModel('contended');
      await opened.close();
      expect(model?.versions[0]?.number).toBe(300);
    });

    it('refuses a database that a newer program wrote', async () => {
      const url = await newDatabase();
      const opened = await openStore({ url }, silentLogger);
      await opened.database
        .insertInto('schema_migrations')
        .values({ version: 99, name: 'later', applied_at: 0 })
        .execute();
      await opened.close();
      for (const readOnly of [false, true]) {
        await expect(openStore({ url, readOnly }, silentLogger)).rejects.toMatchObject({
          code: 'CONFIG_INVALID',
          message: expect.stringContaining('schema 99'),
        });
      }
    });
  });
}
