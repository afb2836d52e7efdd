import { rm } from 'node:fs/promises';

import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Logger, silentLogger } from '../../src/kernel/logger.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { KyselyIngestStore } from '../../src/storage/predictions/kysely-ingest-store.ts';
import { KyselyPredictionStore } from '../../src/storage/predictions/kysely-prediction-store.ts';
import { Ingester } from '../../src/watching/ingestion/ingester.ts';
import { aPrediction, writeSegment } from '../support/log-lines.ts';
import type { PostgresServer } from '../support/postgres.ts';
import type { StoreProcesses } from '../support/store-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function ingesting(url: string, lockWaitMs: number) {
  const directory = temporaryFolder('log');
  const messages: string[] = [];
  const note = (message: string): void => void messages.push(message);
  const logger: Logger = { ...silentLogger, info: note, warn: note };
  const store = await openStore({ url, lockWaitMs }, logger);
  const lag: number[] = [];
  const ingester = new Ingester({
    directory,
    store: new KyselyIngestStore(store.database),
    logger,
    observer: { lines: () => undefined, tornLines: () => undefined, lag: (bytes) => void lag.push(bytes) },
    options: { fastestPollMs: 5, slowestPollMs: 20, slowestRetryMs: 100 },
  });
  const stop = new AbortController();
  onTestFinished(async () => {
    stop.abort();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { directory, messages, lag, store, ingester, stop };
}

export function describeSqliteLocks(
  newDatabase: () => Promise<string>,
  processes: () => StoreProcesses,
): void {
  describe('ingestion into a file that another process holds', () => {
    it('waits three seconds, says so once and goes on', async () => {
      const url = await newDatabase();
      const { directory, messages, lag, store, ingester, stop } = await ingesting(url, 100);
      await writeSegment(directory, { lines: [aPrediction(), aPrediction()] });
      const holder = processes().start('lock', url, '3000');
      await holder.said('ready');
      const running = ingester.run(stop.signal);
      await vi.waitFor(() => expect(messages).toHaveLength(1), { timeout: 2500 });
      expect(lag.at(-1)).toBeGreaterThan(0);
      const predictions = new KyselyPredictionStore(store.database);
      expect(await predictions.count({})).toBe(0);
      await vi.waitFor(() => expect(messages).toHaveLength(2), { timeout: 10_000 });
      stop.abort();
      await running;
      await holder.ended();
      expect(messages[0]).toContain('ingestion waits');
      expect(messages[1]).toContain('ingestion goes on');
      expect(await predictions.count({})).toBe(2);
      expect(lag.at(-1)).toBe(0);
    });
  });
}

export function describeStoreOutage(newDatabase: () => Promise<string>, server: () => PostgresServer): void {
  describe('ingestion into a server that goes away', () => {
    it('goes on when the server is back', async () => {
      const url = await newDatabase();
      const { directory, store, ingester, stop } = await ingesting(url, 0);
      await writeSegment(directory, { lines: [aPrediction()] });
      const running = ingester.run(stop.signal);
      const predictions = new KyselyPredictionStore(store.database);
      await vi.waitFor(async () => expect(await predictions.count({})).toBe(1), { timeout: 10_000 });
      await server().cutConnections(url);
      await writeSegment(directory, { lines: [aPrediction()] });
      await vi.waitFor(async () => expect(await predictions.count({})).toBe(2), { timeout: 10_000 });
      stop.abort();
      await running;
    });

    it('says STORE_UNAVAILABLE without the password', async () => {
      const url = await newDatabase();
      const { password } = server();
      const wrong = [
        url.replace(/store_\d+$/, 'nothing_here'),
        url.replace(/@127.0.0.1:\d+/, '@127.0.0.1:1'),
        url.replace('slipway:', 'nobody:'),
      ];
      for (const each of wrong) {
        const error: Error = await openStore({ url: each }, silentLogger).then(
          () => new Error('opened'),
          (reason: Error) => reason,
        );
        expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
        const shown = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
        expect(shown).toContain('The store cannot be reached');
        expect(shown).toContain('check that the server runs');
        expect(shown).not.toContain(password);
        expect(shown).not.toContain(encodeURIComponent(password));
      }
    });
  });
}
