import type { Outcome, PredictionLine } from '../contracts/log-record.ts';

/** All given conditions must hold. Times are Unix milliseconds, `since` inclusive, `until` exclusive. */
export interface PredictionFilter {
  readonly predictionId?: string;
  readonly correlationId?: string;
  readonly model?: string;
  readonly modelVersion?: string;
  readonly endpoint?: string;
  readonly outcome?: Outcome;
  readonly status?: number;
  readonly since?: number;
  readonly until?: number;
}

/** One place in the order (at, prediction_id), to go on from. */
export interface PredictionCursor {
  readonly at: number;
  readonly predictionId: string;
}

export interface PredictionPage {
  readonly predictions: readonly PredictionLine[];
  /** Hand it back as `after` for the next page; null on the last one. */
  readonly next: PredictionCursor | null;
}

/** Read access to ingested predictions. */
export interface PredictionStore {
  /** Newest first. `limit` rows at most, 1 to 10,000. */
  query(filter: PredictionFilter, limit: number, after?: PredictionCursor): Promise<PredictionPage>;
  count(filter: PredictionFilter): Promise<number>;
}
