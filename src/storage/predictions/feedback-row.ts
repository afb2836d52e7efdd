import type { FeedbackLine } from '../../contracts/log-record.ts';
import { timeOfUuidV7 } from '../../kernel/ids.ts';
import type { FeedbackRow } from '../tables.ts';
import { indexedText } from './indexed-text.ts';

export const FEEDBACK_COLUMNS = [
  'received_at',
  'feedback_id',
  'prediction_id',
  'correlation_id',
  'actual_json',
  'labelled_at',
  'rest_json',
] as const satisfies readonly (keyof FeedbackRow)[];

/** Throws a RangeError for a line that no row can hold: an id without a time, a value nested too deeply. */
export function toFeedbackRow(line: FeedbackLine): FeedbackRow {
  const {
    'event.action': _action,
    'event.id': feedbackId,
    prediction_id: predictionId,
    id: correlationId,
    actual,
    ...others
  } = line;
  const receivedAt = timeOfUuidV7(feedbackId);
  if (receivedAt === null) throw new RangeError('the id of feedback must be a UUIDv7');
  const rest: Record<string, unknown> = others;
  const column = (field: keyof FeedbackLine, text: string | undefined): string | null => {
    if (text === undefined) return null;
    const held = indexedText(text);
    if (held !== text) rest[field] = text;
    return held;
  };
  const labelledAt = line.timestamp === undefined ? Number.NaN : Date.parse(line.timestamp);
  return {
    received_at: receivedAt,
    feedback_id: feedbackId,
    prediction_id: column('prediction_id', predictionId),
    correlation_id: column('id', correlationId),
    actual_json: JSON.stringify(actual),
    labelled_at: Number.isNaN(labelledAt) ? null : labelledAt,
    rest_json: JSON.stringify(rest),
  };
}

export function fromFeedbackRow(row: FeedbackRow): FeedbackLine {
  const held = JSON.parse(row.rest_json) as Pick<FeedbackLine, '@timestamp' | 'schema' | 'timestamp'>;
  const { '@timestamp': at, schema, ...rest } = held;
  return {
    '@timestamp': at,
    schema,
    'event.action': 'feedback',
    'event.id': row.feedback_id,
    ...(row.prediction_id !== null && { prediction_id: row.prediction_id }),
    ...(row.correlation_id !== null && { id: row.correlation_id }),
    actual: JSON.parse(row.actual_json),
    ...rest,
  };
}
