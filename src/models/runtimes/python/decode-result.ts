import { AppError } from '../../../kernel/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.ts';
import type { Label, OutputSpec } from '../../signature.ts';
import type { RowOutput } from '../runtime.ts';
import { type Frame, ProtocolViolation } from './workers/frames.ts';

const NUMBER_BYTES = 8;

/** How the answers of one model are read. */
export interface ResultPlan {
  readonly output: OutputSpec;
  /** What the model's own labels are called, where the author declares other names. */
  readonly renamed: ReadonlyMap<JsonValue, Label> | null;
}

/**
 * The rows of a frame `result`. INFERENCE_FAILED where the model answered another number of rows or probabilities than it
 * should, or something else than its task; ProtocolViolation where the frame does not hold what it says.
 */
export function decodeResult({ header, body }: Frame, rows: number, plan: ResultPlan): readonly RowOutput[] {
  const predictions = predictionsOf(header['prediction'] ?? null, body);
  if (predictions.length !== rows)
    throw failed(`the model answered ${predictions.length} predictions for ${rows} rows`);
  const probabilitiesOf = probabilitiesReader(header['probabilities'] ?? null, body, rows, plan.output);
  const read = predictionReader(plan);
  const outputs = new Array<RowOutput>(rows);
  for (let row = 0; row < rows; row++)
    outputs[row] = {
      prediction: read(predictions[row] as JsonValue),
      probabilities: probabilitiesOf === null ? null : probabilitiesOf(row),
    };
  return outputs;
}

function predictionsOf(prediction: JsonValue, body: Buffer): ArrayLike<JsonValue> {
  if (!isJsonObject(prediction)) throw new ProtocolViolation('a result has no prediction');
  const { values } = prediction;
  return Array.isArray(values) ? values : doublesOf(prediction, body);
}

function probabilitiesReader(
  probabilities: JsonValue,
  body: Buffer,
  rows: number,
  output: OutputSpec,
): ((row: number) => Float64Array) | null {
  const isWanted = output.task === 'classification' && output.hasProbabilities;
  if (probabilities === null) {
    if (isWanted) throw failed('the model answered no probabilities');
    return null;
  }
  if (!isJsonObject(probabilities))
    throw new ProtocolViolation('the probabilities of a result are no object');
  if (!isWanted) return null;
  const width = probabilities['width'];
  const all = doublesOf(probabilities, body);
  if (typeof width !== 'number' || all.length !== rows * width)
    throw failed(`the model answered ${all.length} probabilities for ${rows} rows of ${String(width)}`);
  if (output.labels !== null && output.labels.length !== width)
    throw failed(`the model has ${output.labels.length} labels and answered ${width} probabilities a row`);
  return (row) => all.subarray(row * width, (row + 1) * width);
}

/** Numbers that JSON does not have become null. */
function predictionReader({ output, renamed }: ResultPlan): (value: JsonValue) => JsonValue {
  if (output.task === 'regression') {
    return (value) => {
      if (typeof value === 'number') return Number.isFinite(value) ? value : null;
      if (value === null || Array.isArray(value)) return value;
      throw failed('the model is a regression and answered something else than numbers');
    };
  }
  if (output.task === 'text') {
    return (value) => {
      if (typeof value === 'string' || value === null) return value;
      throw failed('the model answers texts and answered something else');
    };
  }
  const finite = (value: JsonValue): JsonValue =>
    typeof value === 'number' && !Number.isFinite(value) ? null : value;
  return renamed === null ? finite : (value) => renamed.get(value) ?? finite(value);
}

/** A copy: what came over the wire lies at any address. */
function doublesOf({ offset, bytes }: JsonObject, body: Buffer): Float64Array {
  const isInside =
    isCount(offset) && isCount(bytes) && bytes % NUMBER_BYTES === 0 && offset + bytes <= body.byteLength;
  if (!isInside) throw new ProtocolViolation('a result names bytes that it does not have');
  const begin = body.byteOffset + offset;
  return new Float64Array(body.buffer.slice(begin, begin + bytes) as ArrayBuffer);
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function failed(message: string): AppError {
  return new AppError('INFERENCE_FAILED', message);
}
