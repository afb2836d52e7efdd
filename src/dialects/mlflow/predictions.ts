import type { JsonValue } from '../../kernel/json.ts';
import type { Label, OutputTensorSpec, Signature } from '../../models/signature.ts';
import type { Answer } from '../../serving/predictor.ts';
import type { InvocationData } from './invocation.ts';

/**
 * The body of an answer as MLflow's ONNX flavor makes it: for a table a list of records with a column per output of the
 * graph, for arrays one object with a tensor per output. Models of Python's libraries answer a list. JSON has no NaN: where Python writes it, null stands.
 */
export function predictionsJson(
  signature: Signature,
  data: InvocationData,
  answers: readonly Answer[],
): string {
  const { outputs, answers: form } = signature.tensors;
  if (form === 'list') return JSON.stringify({ predictions: answers.map(({ output }) => output.prediction) });
  const columns = outputs.map((output) => ({
    name: output.mapName ?? output.name,
    values: answers.map((answer) => partOf(signature, output, answer)),
    axes: output.mapName === undefined ? output.shape.length : 0,
  }));
  const predictions = isTable(signature, data)
    ? recordsOf(columns)
    : Object.fromEntries(
        columns.map(({ name, values, axes }) => [name, values.map((value) => wrapped(value, axes))]),
      );
  return JSON.stringify({ predictions });
}

interface Column {
  readonly name: string;
  readonly values: readonly JsonValue[];
  /** Axes of one row's value in the graph. */
  readonly axes: number;
}

function isTable({ tensors }: Signature, { form }: InvocationData): boolean {
  if (tensors.declared !== undefined) return tensors.declared === 'columns';
  return form !== 'arrays';
}

/** MLflow makes one column of all elements of an output, and so gives a row of k elements k records. */
function recordsOf(columns: readonly Column[]): readonly JsonValue[] {
  const flat = columns.map(({ values }) => values.flatMap(elementsOf));
  const isEven = flat.every((values) => values.length === flat[0]?.length);
  const cells = isEven ? flat : columns.map(({ values }) => values);
  return (cells[0] ?? []).map((_, row) =>
    Object.fromEntries(columns.map(({ name }, i) => [name, cells[i]?.[row] as JsonValue])),
  );
}

function elementsOf(value: JsonValue): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).flatMap(elementsOf) : [value];
}

function partOf(
  signature: Signature,
  { name, holds, mapName }: OutputTensorSpec,
  { output }: Answer,
): JsonValue {
  const probabilities = output.probabilities ?? [];
  switch (holds.is) {
    case 'prediction':
      return output.prediction;
    case 'member':
      return (output.prediction as Record<string, JsonValue>)[name] ?? null;
    case 'probability':
      return probabilities[holds.place] ?? null;
    case 'probabilities': {
      const values = Array.from(probabilities);
      if (mapName === undefined) return values;
      const labels = signature.output.task === 'classification' ? (signature.output.labels ?? []) : [];
      return Object.fromEntries(labels.map((label: Label, i) => [String(label), values[i] ?? null]));
    }
  }
}

/** A single element stands bare in an answer; in a tensor it has the brackets of its axes. */
function wrapped(value: JsonValue, axes: number): JsonValue {
  let nested = value;
  if (!Array.isArray(value)) for (let axis = 0; axis < axes; axis++) nested = [nested];
  return nested;
}
