import type { JsonValue } from '../kernel/json.ts';
import type { RowOutput } from '../models/runtimes/runtime.ts';
import type { Label, OutputSpec } from '../models/signature.ts';

/** One row's answer with its parts already as JSON, since the answer and the log line are made of the same text. */
export interface RenderedOutput {
  readonly predictionJson: string;
  /** `{"label": p, …}`, or null where the model has no probabilities or no names for them. */
  readonly probabilitiesJson: string | null;
  /** Probability of the predicted class; null for anything but a classifier with probabilities. */
  readonly confidence: number | null;
  /** Probability of the positive class of a binary model, and `confidence` otherwise. */
  readonly probability: number | null;
}

/** Made once per version: labels are turned into JSON keys once. */
export function compileRender(spec: OutputSpec): (output: RowOutput) => RenderedOutput {
  if (spec.task !== 'classification') {
    return ({ prediction }) => ({
      predictionJson: JSON.stringify(prediction),
      probabilitiesJson: null,
      confidence: null,
      probability: null,
    });
  }
  const labels = spec.labels ?? [];
  const keys = labels.map((label, i) => `${i === 0 ? '{' : ','}${JSON.stringify(String(label))}:`);
  const indexOf = new Map<JsonValue, number>(labels.map((label, i) => [label, i]));
  const jsonOf = new Map<JsonValue, string>(labels.map((label) => [label, JSON.stringify(label)]));
  const positive = spec.positive === null ? null : (indexOf.get(spec.positive as Label) ?? null);

  return ({ prediction, probabilities }) => {
    const predictionJson = jsonOf.get(prediction) ?? JSON.stringify(prediction);
    if (probabilities === null || !allFinite(probabilities, labels.length))
      return { predictionJson, probabilitiesJson: null, confidence: null, probability: null };
    const predicted = indexOf.get(prediction);
    const confidence =
      predicted === undefined ? greatest(probabilities) : (probabilities[predicted] as number);
    const probability = positive === null ? confidence : (probabilities[positive] as number);
    if (keys.length === 0) return { predictionJson, probabilitiesJson: null, confidence, probability };
    let json = '';
    for (let i = 0; i < keys.length; i++) json += (keys[i] as string) + String(probabilities[i]);
    return { predictionJson, probabilitiesJson: `${json}}`, confidence, probability };
  };
}

/** JSON has no NaN: a model that answers one has no probabilities to show or to log. */
function allFinite(values: ArrayLike<number>, labelCount: number): boolean {
  if (values.length < labelCount) return false;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

function greatest(values: ArrayLike<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i] as number);
  return most;
}
