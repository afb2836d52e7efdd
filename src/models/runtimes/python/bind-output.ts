import { AppError } from '../../../kernel/errors.ts';
import type { JsonValue } from '../../../kernel/json.ts';
import type { ElementType, Label, OutputSpec, OutputTensorSpec } from '../../signature.ts';
import { positiveOf } from '../positive-label.ts';
import type { DeclaredInput, DeclaredModel } from '../runtime.ts';
import { elementTypeOf } from './column-types.ts';
import type { ResultPlan } from './decode-result.ts';
import type { WorkerFacts } from './workers/messages.ts';

/** What an answer is made of, and how it is read from what the worker answers. */
export interface OutputBinding extends ResultPlan {
  /** The outputs as dialects of tensors name them. */
  readonly tensors: readonly OutputTensorSpec[];
}

const PREDICTION = 'prediction';
const PROBABILITIES = 'probabilities';

/** What the author declares goes first; then what the model's library tells. */
export function bindOutput(declared: DeclaredModel, facts: WorkerFacts): OutputBinding {
  const task = declared.task ?? facts.task ?? 'generic';
  const name = (declared.outputs?.length === 1 ? declared.outputs[0]?.name : null) ?? PREDICTION;
  const tensor = (type: ElementType): OutputTensorSpec => {
    return { name, type, shape: [], holds: { is: 'prediction' } };
  };
  switch (task) {
    case 'classification':
      return classification(declared, facts, tensor);
    case 'regression':
      return { output: { task }, tensors: [tensor('float64')], renamed: null };
    case 'text':
      return { output: { task }, tensors: [tensor('string')], renamed: null };
    case 'generic':
      return generic(declared.outputs ?? [], name);
  }
}

function classification(
  declared: DeclaredModel,
  facts: WorkerFacts,
  tensor: (type: ElementType) => OutputTensorSpec,
): OutputBinding {
  const own = facts.labels;
  if (declared.labels !== null && own !== null && declared.labels.length !== own.length) {
    throw new AppError(
      'SIGNATURE_MISMATCH',
      `${declared.labels.length} labels are declared, the model has ${own.length} classes`,
    );
  }
  const labels = declared.labels ?? own;
  const output: OutputSpec = {
    task: 'classification',
    labels,
    hasProbabilities: facts.has_probabilities,
    positive: positiveOf(labels, declared.positiveLabel),
  };
  const probabilities: OutputTensorSpec = {
    name: PROBABILITIES,
    type: 'float64',
    shape: [labels?.length ?? -1],
    holds: { is: 'probabilities' },
  };
  const isRenamed = own?.some((label, i) => label !== labels?.[i]) === true;
  return {
    output,
    tensors: [tensor(typeOfLabels(labels)), ...(facts.has_probabilities ? [probabilities] : [])],
    renamed: isRenamed ? renaming(own, labels ?? []) : null,
  };
}

function renaming(own: readonly Label[], labels: readonly Label[]): ReadonlyMap<JsonValue, Label> {
  return new Map(own.map((label, i) => [label, labels[i] as Label]));
}

function typeOfLabels(labels: readonly Label[] | null): ElementType {
  if (labels === null || labels.some((label) => typeof label === 'string')) return 'string';
  if (labels.every((label) => typeof label === 'boolean')) return 'bool';
  return labels.every((label) => Number.isInteger(label)) ? 'int64' : 'float64';
}

/** Several declared outputs are the members of a prediction that is an object; otherwise it is any JSON value. */
function generic(outputs: readonly DeclaredInput[], name: string): OutputBinding {
  const members = outputs.length > 1 && outputs.every((output) => output.name !== null);
  const tensors = members
    ? outputs.map((output) => outputTensor(output, output.name ?? '', { is: 'member' }))
    : [outputTensor(outputs[0] ?? null, name, { is: PREDICTION })];
  return {
    output: {
      task: 'generic',
      outputs: tensors.map((tensor) => ({ name: tensor.name, type: tensor.type, shape: tensor.shape })),
    },
    tensors,
    renamed: null,
  };
}

function outputTensor(
  output: DeclaredInput | null,
  name: string,
  holds: OutputTensorSpec['holds'],
): OutputTensorSpec {
  const type = output === null ? null : elementTypeOf(output.type);
  return { name, type: type ?? 'string', shape: output?.shape?.slice(1) ?? [], holds };
}
