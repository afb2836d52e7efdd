import { describe, expect, it } from 'vitest';
import type { PredictionLine } from '../../src/contracts/log-record.ts';
import { uuidV7 } from '../../src/kernel/ids.ts';
import type { IngestStore } from '../../src/watching/ingestion/ingest-store.ts';
import type { PredictionCursor, PredictionStore } from '../../src/watching/prediction-store.ts';
import { aPrediction, idAt, logged } from '../support/log-lines.ts';

interface Stores {
  readonly ingest: IngestStore;
  readonly predictions: PredictionStore;
}

async function hold(stores: Stores, predictions: readonly PredictionLine[]): Promise<void> {
  await stores.ingest.ingest({
    segmentId: uuidV7(),
    from: 0,
    to: 1,
    predictions: logged(predictions),
    feedback: [],
    tornLines: 0,
  });
}

export function describePredictionStore(stores: () => Stores): void {
  describe('PredictionStore', () => {
    it('pages newest first, each once, where many have the same time', async () => {
      const at = 1_700_000_000_000;
      const ids = Array.from({ length: 25 }, (_, index) => idAt(at + Math.floor(index / 20), index));
      await hold(stores(), ids.map((id) => aPrediction({ 'event.id': id, model: 'paged' })).reverse());
      const seen: string[] = [];
      let after: PredictionCursor | undefined;
      for (let pages = 0; pages < 10; pages += 1) {
        const page = await stores().predictions.query({ model: 'paged' }, 7, after);
        seen.push(...page.predictions.map((line) => line['event.id']));
        if (page.next === null) break;
        after = page.next;
        // What comes in between is newer, and moves no page.
        await hold(stores(), [aPrediction({ model: 'paged' })]);
      }
      expect(seen).toEqual([...ids].reverse());
    });

    it('has no next page after a full last one', async () => {
      await hold(stores(), [aPrediction({ model: 'full' }), aPrediction({ model: 'full' })]);
      expect((await stores().predictions.query({ model: 'full' }, 2)).next).toBeNull();
      expect((await stores().predictions.query({ model: 'full' }, 1)).next).not.toBeNull();
    });

    it('filters by each condition and by all together', async () => {
      const at = 1_600_000_000_000;
      const wanted = aPrediction({
        'event.id': idAt(at, 1),
        'event.outcome': 'rejected',
        model: 'filtered',
        model_version: '2.0.0',
        endpoint: 'other',
        status: 422,
        id: 'order-1',
      });
      await hold(stores(), [
        wanted,
        aPrediction({ 'event.id': idAt(at + 1, 2), model: 'filtered', id: 'order-2' }),
        aPrediction({ 'event.id': idAt(at - 1, 3), model: 'filtered' }),
      ]);
      const filters = [
        { predictionId: wanted['event.id'] },
        { correlationId: 'order-1' },
        { modelVersion: '2.0.0' },
        { endpoint: 'other' },
        { outcome: 'rejected' },
        { status: 422 },
        { since: at, until: at + 1 },
      ] as const;
      for (const filter of [...filters, Object.assign({}, ...filters)]) {
        const inModel = { model: 'filtered', ...filter };
        expect((await stores().predictions.query(inModel, 10)).predictions).toEqual([wanted]);
        expect(await stores().predictions.count(inModel)).toBe(1);
      }
      expect(await stores().predictions.count({ model: 'filtered' })).toBe(3);
      expect(await stores().predictions.count({ predictionId: 'no uuid' })).toBe(0);
    });

    it('refuses a page size out of range', async () => {
      for (const limit of [0, 1.5, 10_001]) {
        await expect(stores().predictions.query({}, limit)).rejects.toThrow('limit must be');
      }
    });
  });
}
