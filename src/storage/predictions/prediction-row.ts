import type { PredictionLine } from '../../contracts/log-record.ts';
import { timeOfUuidV7 } from '../../kernel/ids.ts';
import type { Logged } from '../../watching/ingestion/ingest-store.ts';
import type { PredictionRow } from '../tables.ts';
import { indexedText } from './indexed-text.ts';

export const PREDICTION_COLUMNS = [
  'at',
  'prediction_id',
  'model',
  'model_version',
  'endpoint',
  'outcome',
  'status',
  'correlation_id',
  'line_json',
] as const satisfies readonly (keyof PredictionRow)[];

/** Throws a RangeError for a line that no row can hold: its id has no time. */
export function toPredictionRow({ line, text }: Logged<PredictionLine>): PredictionRow {
  const at = timeOfUuidV7(line['event.id']);
  if (at === null) throw new RangeError('the id of a prediction must be a UUIDv7');
  return {
    at,
    prediction_id: line['event.id'],
    model: indexedText(line.model),
    model_version: indexedText(line.model_version),
    endpoint: indexedText(line.endpoint),
    outcome: line['event.outcome'],
    status: line.status,
    correlation_id: line.id === undefined ? null : indexedText(line.id),
    line_json: text,
  };
}

export function fromPredictionRow(row: PredictionRow): PredictionLine {
  return JSON.parse(row.line_json) as PredictionLine;
}
