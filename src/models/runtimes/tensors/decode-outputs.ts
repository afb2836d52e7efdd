import { argmax } from '../../../kernel/argmax.ts';
import { fromFloat16Bits } from '../../../kernel/float16.ts';
import type { JsonValue } from '../../../kernel/json.ts';
import type { ElementType, Label } from '../../signature.ts';
import type { RowOutput } from '../runtime.ts';
import type { OutputPlan } from './interpret-outputs.ts';

/** A tensor as the session answers it. */
export interface OutputTensor {
  readonly type: ElementType;
  readonly data: ArrayLike<number | bigint | string | boolean>;
  readonly dims: readonly number[];
}

/** Turns the tensors of one run into one output per row. Numbers that JSON does not have become null. */
export function decodeOutputs(
  plan: OutputPlan,
  outputs: Readonly<Record<string, OutputTensor>>,
  rowCount: number,
): readonly RowOutput[] {
  const tensors = plan.fetches.map((name) => outputs[name] as OutputTensor);
  if (plan.spec.task === 'classification') return decodeClasses(plan, outputs, rowCount);
  if (plan.spec.task === 'regression') {
    const [tensor] = tensors as [OutputTensor];
    return rowsOf(rowCount, (row) => ({ prediction: rowValue(tensor, row, rowCount), probabilities: null }));
  }
  const [only] = tensors;
  if (tensors.length === 1 && only !== undefined) {
    return rowsOf(rowCount, (row) => ({ prediction: rowValue(only, row, rowCount), probabilities: null }));
  }
  return rowsOf(rowCount, (row) => ({
    prediction: Object.fromEntries(
      tensors.map((tensor, i) => [plan.fetches[i] ?? '', rowValue(tensor, row, rowCount)]),
    ),
    probabilities: null,
  }));
}

function decodeClasses(
  plan: OutputPlan,
  outputs: Readonly<Record<string, OutputTensor>>,
  rowCount: number,
): readonly RowOutput[] {
  const label = plan.labelOutput === null ? null : (outputs[plan.labelOutput] as OutputTensor);
  const scores = plan.probabilityOutputs.map((name) => outputs[name] as OutputTensor);
  const labels = plan.spec.task === 'classification' ? plan.spec.labels : null;
  const probabilitiesOf = compileProbabilities(plan, scores, rowCount);
  return rowsOf(rowCount, (row) => {
    const probabilities = probabilitiesOf(row);
    if (label === null) return { prediction: labelAt(labels, argmax(probabilities ?? [])), probabilities };
    const own = elementOf(label, row);
    return { prediction: plan.renamed?.get(own) ?? own, probabilities };
  });
}

function compileProbabilities(
  plan: OutputPlan,
  scores: readonly OutputTensor[],
  rowCount: number,
): (row: number) => ArrayLike<number> | null {
  const [matrix] = scores;
  if (matrix === undefined) return () => null;
  if (scores.length > 1) return (row) => scores.map((column) => numberAt(column, row));
  const width = matrix.data.length / rowCount;
  if (width === 1) {
    return (row) => {
      const score = numberAt(matrix, row);
      const positive = plan.scores === 'logits' ? 1 / (1 + Math.exp(-score)) : score;
      return [1 - positive, positive];
    };
  }
  if (plan.scores === 'logits') return (row) => softmax(numbersOf(matrix, row * width, width));
  if (matrix.data instanceof Float32Array || matrix.data instanceof Float64Array) {
    const data = matrix.data;
    return (row) => data.subarray(row * width, (row + 1) * width);
  }
  return (row) => numbersOf(matrix, row * width, width);
}

function rowsOf(count: number, output: (row: number) => RowOutput): readonly RowOutput[] {
  const rows = new Array<RowOutput>(count);
  for (let row = 0; row < count; row++) rows[row] = output(row);
  return rows;
}

function labelAt(labels: readonly Label[] | null, index: number): Label {
  return labels?.[index] ?? index;
}

function softmax(logits: readonly number[]): readonly number[] {
  const greatest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - greatest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function numbersOf(tensor: OutputTensor, from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => numberAt(tensor, from + i));
}

function numberAt(tensor: OutputTensor, index: number): number {
  const value = Number(tensor.data[index]);
  return tensor.data instanceof Uint16Array && tensor.type === 'float16' ? fromFloat16Bits(value) : value;
}

function elementOf(tensor: OutputTensor, index: number): JsonValue {
  if (tensor.type === 'string') return tensor.data[index] as string;
  if (tensor.type === 'bool') return Boolean(tensor.data[index]);
  const value = numberAt(tensor, index);
  return Number.isFinite(value) ? value : null;
}

/** The part of a tensor that belongs to a row, nested as the tensor is; [rows] and [rows, 1] give the bare element. */
function rowValue(tensor: OutputTensor, row: number, rowCount: number): JsonValue {
  const size = tensor.data.length / rowCount;
  const shape = tensor.dims.slice(1);
  if (shape.every((length) => length === 1)) return elementOf(tensor, row);
  let at = row * size;
  const nest = (axis: number): JsonValue =>
    axis === shape.length
      ? elementOf(tensor, at++)
      : Array.from({ length: shape[axis] ?? 0 }, () => nest(axis + 1));
  return nest(0);
}
