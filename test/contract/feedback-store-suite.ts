import { describe, expect, it } from 'vitest';
import type { FeedbackLine } from '../../src/contracts/log-record.ts';
import { uuidV7 } from '../../src/kernel/ids.ts';
import type { FeedbackStore } from '../../src/watching/feedback-store.ts';
import type { IngestStore } from '../../src/watching/ingestion/ingest-store.ts';
import { idAt, logged, someFeedback } from '../support/log-lines.ts';

interface Stores {
  readonly ingest: IngestStore;
  readonly feedback: FeedbackStore;
}

async function hold(stores: Stores, feedback: readonly FeedbackLine[]): Promise<void> {
  await stores.ingest.ingest({
    segmentId: uuidV7(),
    from: 0,
    to: 1,
    predictions: [],
    feedback: logged(feedback),
    tornLines: 0,
  });
}

export function describeFeedbackStore(stores: () => Stores): void {
  describe('FeedbackStore', () => {
    it('keeps repeated, corrected and unknown labels, newest first', async () => {
      const predictionId = uuidV7();
      const labels = [
        someFeedback({ prediction_id: predictionId, actual: 'low', timestamp: '2026-03-02T09:00:00Z' }),
        someFeedback({ prediction_id: predictionId, actual: 'low', timestamp: 'last tuesday' }),
        someFeedback({ prediction_id: predictionId, actual: { class: 'high', by: ['Ann'] } }),
      ];
      const unknown = someFeedback({ prediction_id: `nobody knows ${predictionId}`, actual: null });
      await hold(stores(), [...labels, unknown]);
      const found = await stores().feedback.query({ predictionId }, 10);
      expect(found).toEqual([...labels].reverse());
      expect(await stores().feedback.count({ predictionId })).toBe(3);
      const predictionIdOfNobody = `nobody knows ${predictionId}`;
      expect(await stores().feedback.query({ predictionId: predictionIdOfNobody }, 10)).toEqual([unknown]);
    });

    it('finds labels by correlation id and time of receipt, and as many as asked', async () => {
      const at = 1_500_000_000_000;
      const odd = `order \u0000 \ud800 ${'x'.repeat(5000)}`;
      const labels = [1, 2, 3].map((end) => someFeedback({ 'event.id': idAt(at + end, end), id: odd }));
      await hold(stores(), labels);
      expect(await stores().feedback.query({ correlationId: odd }, 10)).toEqual([...labels].reverse());
      expect(await stores().feedback.query({ correlationId: odd }, 1)).toEqual([labels[2]]);
      expect(await stores().feedback.count({ correlationId: odd, since: at + 2, until: at + 3 })).toBe(1);
      expect(await stores().feedback.count({ correlationId: 'order' })).toBe(0);
    });
  });
}
