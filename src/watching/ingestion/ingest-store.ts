import type { FeedbackLine, PredictionLine } from '../../contracts/log-record.ts';

/** A line of the log, read and as it was written. */
export interface Logged<Line> {
  readonly line: Line;
  /** One JSON object without a newline. */
  readonly text: string;
}

/** What one pass over a segment found between two byte offsets, whole lines only. */
export interface SegmentBatch {
  readonly segmentId: string;
  /** Byte offset that the store must hold now. */
  readonly from: number;
  /** Byte offset after the last whole line of this batch. */
  readonly to: number;
  readonly predictions: readonly Logged<PredictionLine>[];
  readonly feedback: readonly Logged<FeedbackLine>[];
  /** Lines that were not readable and were skipped. */
  readonly tornLines: number;
}

/** Where ingestion writes. Implementations hold each promise on SQLite and on PostgreSQL. */
export interface IngestStore {
  /** Bytes of the segment that were ingested; 0 for a segment that was never seen. */
  offsetOf(segmentId: string): Promise<number>;
  /**
   * One transaction that begins by moving the offset from `batch.from` to `batch.to`. Answers false, with nothing
   * written, when the offset was not at `batch.from`: somebody else ingested it. A line whose key the store holds
   * already is left as it is, so a replay changes nothing. A line that no row can hold (an id that is no UUIDv7) is
   * added to the torn ones: it must not hold up the lines behind it. STORE_UNAVAILABLE
   * when the store is away or locked; nothing was written then, and the same batch may be handed in again.
   */
  ingest(batch: SegmentBatch): Promise<boolean>;
}
