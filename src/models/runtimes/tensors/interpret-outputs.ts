import { AppError } from '../../../kernel/errors.ts';
import type { JsonValue } from '../../../kernel/json.ts';
import {
  floatMaximum,
  type Label,
  type OutputField,
  type OutputSpec,
  type OutputTensorSpec,
  type TensorPart,
} from '../../signature.ts';
import { positiveOf } from '../positive-label.ts';
import type { DeclaredModel } from '../runtime.ts';
import type { TensorPort } from './bind-inputs.ts';

/** Which output tensors make a row's answer, and how. */
export interface OutputPlan {
  readonly spec: OutputSpec;
  /** The outputs as dialects of tensors name them. */
  readonly tensors: readonly OutputTensorSpec[];
  readonly labelOutput: string | null;
  /** One [rows, classes] tensor, or one tensor a class (`zipmap: columns`). */
  readonly probabilityOutputs: readonly string[];
  /** How scores become probabilities: as they are, or by softmax; a lone column is the positive class's, by sigmoid. */
  readonly scores: 'probabilities' | 'logits';
  /** What the graph's labels are called, where the author declares other names. */
  readonly renamed: ReadonlyMap<JsonValue, Label> | null;
  /** What is asked of the session. */
  readonly fetches: readonly string[];
}

/** What is known of a model's outputs beside names, types and shapes. */
export interface OutputFacts {
  /** Class labels in the order of the probabilities; null where the model does not tell. */
  labelsOf(output: string): readonly Label[] | null;
  /** The operator that made it, as ONNX calls it; null where nobody knows. */
  madeBy(output: string): string | null;
  /** Name of the map of label to probability that the model itself ends in. */
  mapNameOf(output: string): string | null;
}

/**
 * Says from a model's outputs what it is: a label beside scores is a classifier (scikit-learn, XGBoost,
 * LightGBM); so is a lone score tensor that Softmax or Sigmoid made (PyTorch). A lone number is a regression.
 * What the author declares goes first.
 */
export function interpretOutputs(
  outputs: readonly TensorPort[],
  facts: OutputFacts,
  declared: DeclaredModel,
): OutputPlan {
  const label = outputs.find((output) => isLabel(output));
  const scores = outputs.filter((output) => output !== label && floatMaximum(output.type) !== null);
  if (declared.task !== 'regression') {
    if (
      label !== undefined &&
      outputs.length === 1 + scores.length &&
      looksLikeScores(label, scores, facts)
    ) {
      return labelledClassifier(label, scores, facts, declared);
    }
    const [only] = outputs;
    if (only !== undefined && outputs.length === 1) {
      const last = facts.madeBy(only.name);
      const isClassifier =
        declared.task === 'classification' ||
        last === 'Softmax' ||
        (last === 'Sigmoid' && widthOf(only) === 1);
      if (isClassifier && floatMaximum(only.type) !== null) return scoreClassifier(only, last, declared);
    }
    if (declared.task === 'classification') throw undeclarable('classification', outputs);
  }
  const [only] = outputs;
  if (only !== undefined && outputs.length === 1 && only.type !== 'string' && widthOf(only) === 1) {
    return {
      spec: { task: 'regression' },
      tensors: [tensorOf(only, { is: 'prediction' })],
      labelOutput: null,
      probabilityOutputs: [],
      scores: 'probabilities',
      renamed: null,
      fetches: [only.name],
    };
  }
  if (declared.task === 'regression') throw undeclarable('regression', outputs);
  return generic(outputs);
}

function isLabel(output: TensorPort): boolean {
  return (
    (output.type === 'int64' ||
      output.type === 'string' ||
      output.type === 'bool' ||
      output.type === 'int32') &&
    widthOf(output) === 1
  );
}

/** A classifier's scores are one matrix, or one column a class; other graphs with a label-like output are generic. */
function looksLikeScores(label: TensorPort, scores: readonly TensorPort[], facts: OutputFacts): boolean {
  const labels = facts.labelsOf(label.name);
  if (scores.length === 0) return label.type === 'string' || labels !== null;
  if (labels !== null) return scores.length === 1 || scores.length === labels.length;
  return scores.length === 1 && scores[0]?.shape.length === 2 && widthOf(scores[0]) !== 1;
}

function labelledClassifier(
  label: TensorPort,
  scores: readonly TensorPort[],
  facts: OutputFacts,
  declared: DeclaredModel,
): OutputPlan {
  const own = facts.labelsOf(label.name);
  if (declared.labels !== null && own !== null && declared.labels.length !== own.length) {
    throw labelMismatch(declared.labels.length, own.length);
  }
  const labels = declared.labels ?? own;
  return {
    renamed: own?.some((name, i) => name !== labels?.[i])
      ? new Map(own.map((name, i) => [name, labels?.[i] as Label]))
      : null,
    spec: {
      task: 'classification',
      labels,
      hasProbabilities: scores.length > 0,
      positive: positiveOf(labels, declared.positiveLabel),
    },
    tensors: [
      { ...tensorOf(label, { is: 'prediction' }), type: typeOfLabels(labels, label.type) },
      ...scores.map((output, place) => ({
        ...tensorOf(output, scores.length === 1 ? { is: 'probabilities' } : { is: 'probability', place }),
        ...mapNameOf(output, facts),
      })),
    ],
    labelOutput: label.name,
    probabilityOutputs: scores.map((output) => output.name),
    scores: 'probabilities',
    fetches: [label.name, ...scores.map((output) => output.name)],
  };
}

function scoreClassifier(output: TensorPort, last: string | null, declared: DeclaredModel): OutputPlan {
  const width = widthOf(output);
  const isPositive = width === 1;
  const classes = isPositive ? 2 : width;
  const labels = declared.labels ?? (classes === -1 ? null : Array.from({ length: classes }, (_, i) => i));
  if (labels !== null && classes !== -1 && labels.length !== classes) {
    throw labelMismatch(labels.length, classes);
  }
  return {
    spec: {
      task: 'classification',
      labels,
      hasProbabilities: true,
      positive: positiveOf(labels, declared.positiveLabel),
    },
    tensors: [tensorOf(output, isPositive ? { is: 'probability', place: 1 } : { is: 'probabilities' })],
    labelOutput: null,
    probabilityOutputs: [output.name],
    scores: last === 'Softmax' || last === 'Sigmoid' ? 'probabilities' : 'logits',
    renamed: null,
    fetches: [output.name],
  };
}

function mapNameOf({ name }: TensorPort, facts: OutputFacts): Pick<OutputTensorSpec, 'mapName'> {
  const mapName = facts.mapNameOf(name);
  return mapName === null ? {} : { mapName };
}

function labelMismatch(declared: number, scored: number): AppError {
  return new AppError(
    'SIGNATURE_MISMATCH',
    `${declared} labels are declared, the graph scores ${scored} classes`,
  );
}

function generic(outputs: readonly TensorPort[]): OutputPlan {
  return {
    spec: { task: 'generic', outputs: outputs.map(fieldOf) },
    tensors: outputs.map((output) =>
      tensorOf(output, outputs.length === 1 ? { is: 'prediction' } : { is: 'member' }),
    ),
    labelOutput: null,
    probabilityOutputs: [],
    scores: 'probabilities',
    renamed: null,
    fetches: outputs.map((output) => output.name),
  };
}

function fieldOf({ name, type, shape }: TensorPort): OutputField {
  return { name, type, shape: shape.slice(1).map((size) => (typeof size === 'number' ? size : -1)) };
}

function tensorOf(output: TensorPort, holds: TensorPart): OutputTensorSpec {
  return { ...fieldOf(output), holds };
}

/** Labels that the author renamed may be of another type than the graph's. */
function typeOfLabels(labels: readonly Label[] | null, type: TensorPort['type']): TensorPort['type'] {
  if (labels === null) return type;
  if (labels.some((label) => typeof label === 'string')) return 'string';
  if (labels.every((label) => typeof label === 'boolean')) return 'bool';
  return labels.every((label) => Number.isInteger(label)) ? 'int64' : 'float64';
}

/** Columns of one row: 1 for [rows] and [rows, 1]; -1 when free or of more axes. */
function widthOf(output: TensorPort): number {
  if (output.shape.length === 1) return 1;
  const width = output.shape[1];
  return output.shape.length === 2 && typeof width === 'number' ? width : -1;
}

function undeclarable(task: string, outputs: readonly TensorPort[]): AppError {
  const shapes = outputs
    .map((output) => `${output.name} ${output.type} [${output.shape.join(', ')}]`)
    .join('; ');
  return new AppError('SIGNATURE_MISMATCH', `The task is declared ${task}, but the graph answers ${shapes}`);
}
