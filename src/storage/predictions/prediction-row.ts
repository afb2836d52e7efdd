import type { Outcome, PredictionLine } from '../../contracts/log-record.ts';
import { timeOfUuidV7 } from '../../kernel/ids.ts';
import type { PredictionRow } from '../tables.ts';
import { indexedText } from './indexed-text.ts';

export const PREDICTION_COLUMNS = [
  'at',
  'prediction_id',
  'model',
  'model_version',
  'endpoint',
  'arm',
  'revision',
  'outcome',
  'status',
  'error_code',
  'latency_ms',
  'confidence',
  'correlation_id',
  'trace_id',
  'input_json',
  'prediction_json',
  'probabilities_json',
  'rest_json',
] as const satisfies readonly (keyof PredictionRow)[];

/** Throws a RangeError for a line that no row can hold: an id without a time, a value nested too deeply. */
export function toPredictionRow(line: PredictionLine): PredictionRow {
  const {
    'event.action': _action,
    'event.id': predictionId,
    'event.outcome': outcome,
    model,
    model_version: modelVersion,
    endpoint,
    arm,
    revision,
    status,
    'error.code': errorCode,
    latency_ms: latencyMs,
    confidence,
    id: correlationId,
    'trace.id': traceId,
    input,
    prediction,
    probabilities,
    ...others
  } = line;
  const at = timeOfUuidV7(predictionId);
  if (at === null) throw new RangeError('the id of a prediction must be a UUIDv7');
  const rest: Record<string, unknown> = others;
  const column = (field: keyof PredictionLine, text: string): string => {
    const held = indexedText(text);
    if (held !== text) rest[field] = text;
    return held;
  };
  if (confidence === null) rest['confidence'] = null;
  return {
    at,
    prediction_id: predictionId,
    model: column('model', model),
    model_version: column('model_version', modelVersion),
    endpoint: column('endpoint', endpoint),
    arm: column('arm', arm),
    revision,
    outcome,
    status,
    error_code: errorCode === undefined ? null : column('error.code', errorCode),
    latency_ms: latencyMs,
    confidence: confidence ?? null,
    correlation_id: correlationId === undefined ? null : column('id', correlationId),
    trace_id: column('trace.id', traceId),
    input_json: input === undefined ? null : JSON.stringify(input),
    prediction_json: prediction === undefined ? null : JSON.stringify(prediction),
    probabilities_json: probabilities === undefined ? null : JSON.stringify(probabilities),
    rest_json: JSON.stringify(rest),
  };
}

export function fromPredictionRow(row: PredictionRow): PredictionLine {
  const held = JSON.parse(row.rest_json) as Pick<
    PredictionLine,
    '@timestamp' | 'schema' | 'dialect' | 'transform_hash'
  >;
  const { '@timestamp': at, schema, ...rest } = held;
  return {
    '@timestamp': at,
    schema,
    'event.action': 'prediction',
    'event.id': row.prediction_id,
    'event.outcome': row.outcome as Outcome,
    revision: row.revision,
    'trace.id': row.trace_id,
    model: row.model,
    model_version: row.model_version,
    endpoint: row.endpoint,
    arm: row.arm,
    ...(row.input_json !== null && { input: JSON.parse(row.input_json) }),
    ...(row.prediction_json !== null && { prediction: JSON.parse(row.prediction_json) }),
    ...(row.probabilities_json !== null && { probabilities: JSON.parse(row.probabilities_json) }),
    ...(row.confidence !== null && { confidence: row.confidence }),
    latency_ms: row.latency_ms,
    status: row.status,
    ...(row.error_code !== null && { 'error.code': row.error_code }),
    ...(row.correlation_id !== null && { id: row.correlation_id }),
    ...rest,
  };
}
