import { argmax } from '../kernel/argmax.ts';
import { float32Text } from '../kernel/float-text.ts';
import type { JsonValue } from '../kernel/json.ts';
import type { RowOutput, TextFacts } from '../models/runtimes/runtime.ts';
import type { Label, OutputSpec } from '../models/signature.ts';

/** One row's answer with its parts already as JSON, since the answer and the log line are made of the same text. */
export interface RenderedOutput {
  readonly predictionJson: string;
  /** `{"label": p, …}`, or null where the model has no probabilities or no names for them. */
  readonly probabilitiesJson: string | null;
  /** Probability of the predicted class; null for anything but a classifier with probabilities. */
  readonly confidenceJson: string | null;
  /** Probability of the positive class of a binary model, and `confidenceJson` otherwise. */
  readonly probabilityJson: string | null;
  /** Members that say what is known of a text beside itself, `"input_tokens":…`; null for anything but a text. */
  readonly textJson: string | null;
}

/** Made once per version: labels are turned into JSON keys once. */
export function compileRender(spec: OutputSpec): (output: RowOutput) => RenderedOutput {
  if (spec.task !== 'classification') {
    const isText = spec.task === 'text';
    return ({ prediction, text }) => ({
      ...WITHOUT_PROBABILITIES,
      predictionJson: JSON.stringify(prediction),
      textJson: isText ? textMembers(text) : null,
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
      return { ...WITHOUT_PROBABILITIES, predictionJson };
    const textOf = probabilities instanceof Float32Array ? float32Text : String;
    const predicted = indexOf.get(prediction) ?? argmax(probabilities);
    let probabilitiesJson = '';
    let confidenceJson = '';
    let positiveJson = '';
    for (let i = 0; i < probabilities.length; i++) {
      const text = textOf(probabilities[i] as number);
      if (i < keys.length) probabilitiesJson += (keys[i] as string) + text;
      if (i === predicted) confidenceJson = text;
      if (i === positive) positiveJson = text;
    }
    return {
      predictionJson,
      probabilitiesJson: keys.length === 0 ? null : `${probabilitiesJson}}`,
      confidenceJson,
      probabilityJson: positive === null ? confidenceJson : positiveJson,
      textJson: null,
    };
  };
}

const WITHOUT_PROBABILITIES = {
  probabilitiesJson: null,
  confidenceJson: null,
  probabilityJson: null,
  textJson: null,
};

function textMembers(text: TextFacts | undefined): string {
  const { inputTokens = 0, outputTokens = 0, truncated = false } = text ?? {};
  return `"input_tokens":${inputTokens},"output_tokens":${outputTokens},"truncated":${truncated}`;
}

/** JSON has no NaN: a model that answers one has no probabilities to show or to log. */
function allFinite(values: ArrayLike<number>, labelCount: number): boolean {
  if (values.length < labelCount) return false;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
