import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';

import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PredictionLine } from '../../src/contracts/log-record.ts';
import { uuidV7 } from '../../src/kernel/ids.ts';
import type { Store } from '../../src/storage/open-store.ts';
import type { IngestStore, SegmentBatch } from '../../src/watching/ingestion/ingest-store.ts';
import { Ingester } from '../../src/watching/ingestion/ingester.ts';
import type { PredictionStore } from '../../src/watching/prediction-store.ts';
import { aPrediction, logged, someFeedback, writeSegment } from '../support/log-lines.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Stores {
  readonly store: Store;
  readonly ingest: IngestStore;
  /** On other connections to the same database, as another process has. */
  readonly elsewhere: IngestStore;
  readonly predictions: PredictionStore;
}

function aBatch(change: Partial<SegmentBatch> = {}): SegmentBatch {
  return { segmentId: uuidV7(), from: 0, to: 100, predictions: [], feedback: [], tornLines: 0, ...change };
}

async function logDirectory(): Promise<string> {
  const directory = temporaryFolder('log');
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export function describeIngestStore(stores: () => Stores): void {
  describe('IngestStore', () => {
    it('moves the offset only from where it was', async () => {
      const { ingest, predictions } = stores();
      const segmentId = uuidV7();
      const late = aPrediction({ model: 'late' });
      expect(await ingest.offsetOf(segmentId)).toBe(0);
      expect(await ingest.ingest(aBatch({ segmentId, from: 50, predictions: logged([late]) }))).toBe(false);
      expect(await ingest.ingest(aBatch({ segmentId }))).toBe(true);
      expect(await ingest.ingest(aBatch({ segmentId, predictions: logged([late]) }))).toBe(false);
      expect(await ingest.offsetOf(segmentId)).toBe(100);
      expect(await ingest.ingest(aBatch({ segmentId, from: 100, to: 2 ** 41 }))).toBe(true);
      expect(await ingest.offsetOf(segmentId)).toBe(2 ** 41);
      expect(await predictions.count({ model: 'late' })).toBe(0);
    });

    it('leaves a line that it holds as it is', async () => {
      const line = aPrediction({ model: 'replayed' });
      await stores().ingest.ingest(aBatch({ predictions: logged([line, line]) }));
      await stores().ingest.ingest(aBatch({ predictions: logged([{ ...line, status: 500 }]) }));
      expect((await stores().predictions.query({ model: 'replayed' }, 10)).predictions).toEqual([line]);
    });

    it('adds up torn lines', async () => {
      const segmentId = uuidV7();
      await stores().ingest.ingest(aBatch({ segmentId, tornLines: 2 }));
      await stores().ingest.ingest(aBatch({ segmentId, from: 100, to: 200, tornLines: 1 }));
      const row = await stores()
        .store.database.selectFrom('segments')
        .selectAll()
        .where('segment_id', '=', segmentId)
        .executeTakeFirst();
      expect(row?.torn_lines).toBe(3);
    });

    it('writes nothing when it is stopped in the middle', async () => {
      const { store, ingest, predictions } = stores();
      const segmentId = uuidV7();
      const lines = Array.from({ length: 300 }, () => aPrediction({ model: 'halfway' }));
      const batch = aBatch({ segmentId, predictions: logged(lines), feedback: logged([someFeedback()]) });
      await sql`alter table feedback rename to feedback_away`.execute(store.database);
      try {
        await expect(ingest.ingest(batch)).rejects.toThrow();
      } finally {
        await sql`alter table feedback_away rename to feedback`.execute(store.database);
      }
      expect(await ingest.offsetOf(segmentId)).toBe(0);
      expect(await predictions.count({ model: 'halfway' })).toBe(0);
      expect(await ingest.ingest(batch)).toBe(true);
      expect(await predictions.count({ model: 'halfway' })).toBe(300);
    });

    it('takes each line once from two ingesters on one segment', async () => {
      const { ingest, elsewhere, predictions } = stores();
      const directory = await logDirectory();
      const lines = Array.from({ length: 1000 }, () => aPrediction({ model: 'contended' }));
      await writeSegment(directory, { lines, closed: true });
      let reported = 0;
      const observer = {
        lines: (count: number) => {
          reported += count;
        },
        tornLines: () => undefined,
        lag: () => undefined,
      };
      const options = { batchBytes: 4096 };
      const passes = await Promise.all(
        [ingest, elsewhere].map((store) => new Ingester({ directory, store, observer, options }).runOnce()),
      );
      expect(passes.map((pass) => pass.lagBytes)).toEqual([0, 0]);
      expect(reported).toBe(1000);
      expect(await predictions.count({ model: 'contended' })).toBe(1000);
    });

    it('holds odd lines without loss, and none holds up the rest', async () => {
      const { ingest, predictions } = stores();
      const directory = await logDirectory();
      const odd = 'NUL \u0000, lone \ud800 and \udc00, four bytes 😀, \u0001, \u2028';
      let nested: PredictionLine['input'] = 1;
      for (let depth = 0; depth < 500; depth += 1) nested = [nested];
      const long = randomBytes(6000).toString('hex');
      const lines = [
        aPrediction({ model: 'odd', id: 'NUL \u0000', endpoint: 'lone \ud800' }),
        aPrediction({ model: 'odd', id: 'lone \ud800', arm: 'NUL \u0000' }),
        aPrediction({ model: 'odd', id: odd, key: odd, input: { [odd]: odd, ['__proto__']: 1 } }),
        aPrediction({ model: 'odd', id: long, 'error.code': odd, 'trace.id': odd }),
        aPrediction({
          model: 'odd',
          id: '\u0001sha256:',
          prediction: null,
          confidence: null,
          probabilities: null,
        }),
        aPrediction({ model: 'odd', input: [1e308, -1e-308, 2 ** 53, 0.1, 12_345_678_901_234_567_000] }),
        aPrediction({ model: 'odd', status: 2 ** 40, latency_ms: 1e300, revision: 2 ** 50, input: nested }),
      ];
      const tooDeep = JSON.stringify(aPrediction({ model: 'odd', input: 'here' })).replace(
        '"here"',
        '['.repeat(200_000) + ']'.repeat(200_000),
      );
      const segmentId = await writeSegment(directory, { lines: [tooDeep, ...lines], closed: true });
      expect((await new Ingester({ directory, store: ingest }).runOnce()).lagBytes).toBe(0);
      expect(await ingest.offsetOf(segmentId)).toBeGreaterThan(0);
      const found = (await predictions.query({ model: 'odd' }, 10)).predictions;
      expect([...found].reverse()).toEqual(lines);
      expect((await predictions.query({ correlationId: odd }, 10)).predictions).toEqual([lines[2]]);
      expect(await predictions.count({ correlationId: 'NUL \u0000' })).toBe(1);
      expect(await predictions.count({ correlationId: 'lone \ud800' })).toBe(1);
      expect(await predictions.count({ correlationId: 'lone \ud801' })).toBe(0);
      expect(await predictions.count({ correlationId: long })).toBe(1);
    });
  });
}
