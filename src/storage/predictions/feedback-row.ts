import type { FeedbackLine } from '../../contracts/log-record.ts';
import { timeOfUuidV7 } from '../../kernel/ids.ts';
import type { Logged } from '../../watching/ingestion/ingest-store.ts';
import type { FeedbackRow } from '../tables.ts';
import { indexedText } from './indexed-text.ts';

export const FEEDBACK_COLUMNS = [
  'received_at',
  'feedback_id',
  'prediction_id',
  'correlation_id',
  'labelled_at',
  'line_json',
] as const satisfies readonly (keyof FeedbackRow)[];

/** Throws a RangeError for a line that no row can hold: its id has no time. */
export function toFeedbackRow({ line, text }: Logged<FeedbackLine>): FeedbackRow {
  const receivedAt = timeOfUuidV7(line['event.id']);
  if (receivedAt === null) throw new RangeError('the id of feedback must be a UUIDv7');
  const labelledAt = line.timestamp === undefined ? Number.NaN : Date.parse(line.timestamp);
  return {
    received_at: receivedAt,
    feedback_id: line['event.id'],
    prediction_id: line.prediction_id === undefined ? null : indexedText(line.prediction_id),
    correlation_id: line.id === undefined ? null : indexedText(line.id),
    labelled_at: Number.isNaN(labelledAt) ? null : labelledAt,
    line_json: text,
  };
}

export function fromFeedbackRow(row: FeedbackRow): FeedbackLine {
  return JSON.parse(row.line_json) as FeedbackLine;
}
