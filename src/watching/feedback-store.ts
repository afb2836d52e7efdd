import type { FeedbackLine } from '../contracts/log-record.ts';

/** All given conditions must hold. Times are Unix milliseconds of receipt, `since` inclusive, `until` exclusive. */
export interface FeedbackFilter {
  readonly predictionId?: string;
  readonly correlationId?: string;
  readonly since?: number;
  readonly until?: number;
}

/**
 * Read access to ingested labels. Repeated and corrected ones are all kept, and so are those whose prediction nobody
 * has seen: the newest of a prediction is the one that holds.
 */
export interface FeedbackStore {
  /** Newest received first. `limit` rows at most, 1 to 10,000. */
  query(filter: FeedbackFilter, limit: number): Promise<readonly FeedbackLine[]>;
  count(filter: FeedbackFilter): Promise<number>;
}
