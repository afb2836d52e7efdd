import {
  type FeedbackLine,
  LOG_SCHEMA,
  type LogLine,
  logLine,
  type PredictionLine,
} from '../../contracts/log-record.ts';
import { timeOfUuidV7 } from '../../kernel/ids.ts';
import { isJsonObject } from '../../kernel/json.ts';

type Fields = Readonly<Record<string, unknown>>;

/** No shorter text can be nested too deeply for the call stack. */
const LONG = 4096;
const OUTCOMES: ReadonlySet<unknown> = new Set(['ok', 'rejected', 'failed', 'timeout']);

/**
 * One line of a segment, or null when it cannot be read. What our own writer writes passes a check by hand of every
 * field that has a type; only another line pays for the schema.
 */
export function parseLogLine(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value) || (text.length > LONG && !canBeWritten(value))) return null;
    if (isUsualPrediction(value)) return value as unknown as PredictionLine;
    if (isUsualFeedback(value)) return value as unknown as FeedbackLine;
    const parsed = logLine.safeParse(value);
    return parsed.success && hasKey(parsed.data) ? parsed.data : null;
  } catch {
    // Not JSON, or nested deeper than the schema can follow: both are lines that nobody can use.
    return null;
  }
}

/** A value that was read may still be nested too deeply to be written again, and then nobody could show it. */
function canBeWritten(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

function hasKey(line: LogLine): boolean {
  const action = line['event.action'];
  if (action !== 'prediction' && action !== 'feedback') return true;
  return timeOfUuidV7(line['event.id']) !== null;
}

function isUsualPrediction(line: Fields): boolean {
  return (
    line['event.action'] === 'prediction' &&
    isKeyed(line) &&
    OUTCOMES.has(line['event.outcome']) &&
    Number.isSafeInteger(line['revision']) &&
    isText(line['trace.id']) &&
    isText(line['model']) &&
    isText(line['model_version']) &&
    isText(line['endpoint']) &&
    isText(line['arm']) &&
    isText(line['dialect']) &&
    isOptionalNumbers(line['probabilities']) &&
    (line['confidence'] == null || Number.isFinite(line['confidence'])) &&
    Number.isFinite(line['latency_ms']) &&
    Number.isSafeInteger(line['status']) &&
    isOptionalText(line['error.code']) &&
    (line['transform_hash'] === null || isText(line['transform_hash'])) &&
    isOptionalText(line['id']) &&
    isOptionalText(line['key']) &&
    isOptionalText(line['timestamp'])
  );
}

function isUsualFeedback(line: Fields): boolean {
  return (
    line['event.action'] === 'feedback' &&
    isKeyed(line) &&
    'actual' in line &&
    isOptionalText(line['prediction_id']) &&
    isOptionalText(line['id']) &&
    isOptionalText(line['timestamp'])
  );
}

function isKeyed(line: Fields): boolean {
  const id = line['event.id'];
  return (
    line['schema'] === LOG_SCHEMA && isText(line['@timestamp']) && isText(id) && timeOfUuidV7(id) !== null
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isOptionalNumbers(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  for (const number of Object.values(value)) if (!Number.isFinite(number)) return false;
  return true;
}
