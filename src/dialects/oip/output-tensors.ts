import { isFloat } from '../../contracts/oip/datatypes.ts';
import type { Datatype, Tensor, TensorValues } from '../../contracts/oip/tensor.ts';
import { AppError, type FieldProblem } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { datatypeOf } from '../../models/datatype-of.ts';
import type { RowOutput } from '../../models/runtimes/runtime.ts';
import type { Label, OutputTensorSpec, Signature } from '../../models/signature.ts';
import { classify } from './classification.ts';
import type { RequestedOutput } from './protocol.ts';

/** One output of the answer: which tensor, and how many classes of it are named instead of its values. */
export interface WantedOutput {
  readonly spec: OutputTensorSpec;
  readonly classes: number | null;
}

export interface OutputTensors {
  /** The outputs that are asked for, in their order: all of them, where none is named. Adds what is wrong to `problems`. */
  select(requested: readonly RequestedOutput[] | null, problems: FieldProblem[]): readonly WantedOutput[];
  tensorsOf(outputs: readonly RowOutput[], wanted: readonly WantedOutput[]): readonly Tensor[];
}

const NAME_LENGTH = 64;
const MAX_PROBLEMS = 20;

/** Made once per version. */
export function compileOutputTensors({ tensors, output }: Signature): OutputTensors {
  const all = tensors.outputs.map((spec) => ({ spec, classes: null }));
  const byName = new Map(tensors.outputs.map((spec) => [spec.name, spec]));
  const labels = output.task === 'classification' ? output.labels : null;

  return {
    select(requested, problems) {
      if (requested === null || requested.length === 0) return all;
      const seen = new Set<string>();
      return requested.flatMap(({ name, parameters }) => {
        const spec = byName.get(name);
        const classes = parameters['classification'] ?? null;
        const fault =
          spec === undefined
            ? 'is not an output of this model'
            : seen.has(name)
              ? 'is asked for twice'
              : faultOfClasses(classes, spec);
        seen.add(name);
        if (fault !== null && problems.length < MAX_PROBLEMS)
          problems.push({ path: name.slice(0, NAME_LENGTH), message: fault });
        return spec === undefined || fault !== null ? [] : [{ spec, classes: classes as number | null }];
      });
    },
    tensorsOf: (outputs, wanted) => wanted.map((one) => tensorOf(outputs, one, labels)),
  };
}

function faultOfClasses(classes: unknown, { type }: OutputTensorSpec): string | null {
  if (classes === null) return null;
  if (typeof classes !== 'number' || !Number.isInteger(classes) || classes < 1)
    return 'takes a classification of 1 or more classes';
  return type === 'string' || type === 'bool' ? 'has no numbers to classify by' : null;
}

function tensorOf(
  outputs: readonly RowOutput[],
  { spec, classes }: WantedOutput,
  labels: readonly Label[] | null,
): Tensor {
  const { name, type, holds } = spec;
  const datatype = datatypeOf(type);
  const shape = shapeOf(spec, outputs);
  const data = collect(
    outputs,
    spec,
    datatype,
    shape.reduce((product, size) => product * size, 1),
  );
  if (classes === null) return { name, datatype, shape, data };
  const rows = outputs.length;
  return classify({
    name,
    data: data as ArrayLike<number>,
    rows,
    classes,
    isFloat: isFloat(datatype),
    labels: holds.is === 'probabilities' ? labels : null,
  });
}

/**
 * Sizes are those of the first row: a graph may leave them open, and some state others than they answer (scikit-learn's
 * regressions of several targets). A row of one value is answered bare, whatever axes of length 1 the tensor has.
 */
function shapeOf({ shape, holds, name }: OutputTensorSpec, outputs: readonly RowOutput[]): readonly number[] {
  const [first] = outputs as [RowOutput];
  if (holds.is === 'probabilities') return [outputs.length, first.probabilities?.length ?? 0];
  const sizes: number[] = [];
  let value = holds.is === 'probability' ? null : partOf(first, name, holds.is === 'member');
  for (; Array.isArray(value); value = value[0] as JsonValue) sizes.push(value.length);
  return [outputs.length, ...(sizes.length > 0 ? sizes : shape.map(() => 1))];
}

function partOf({ prediction }: RowOutput, name: string, isMember: boolean): JsonValue {
  return isMember ? ((prediction as JsonObject)[name] ?? null) : prediction;
}

/** All elements of an output, row by row. */
function collect(
  outputs: readonly RowOutput[],
  { name, holds }: OutputTensorSpec,
  datatype: Datatype,
  size: number,
): TensorValues {
  const data = newData(datatype, size);
  let at = 0;
  const add = (value: JsonValue): void => {
    if (Array.isArray(value)) for (const item of value) add(item);
    else data[at++] = elementOf(datatype, value);
  };
  for (const output of outputs) {
    if (holds.is === 'probabilities') {
      const scores = output.probabilities ?? [];
      for (let i = 0; i < scores.length; i++) data[at++] = scores[i] as number;
    } else if (holds.is === 'probability') data[at++] = output.probabilities?.[holds.place] ?? Number.NaN;
    else add(partOf(output, name, holds.is === 'member'));
  }
  if (at !== size) {
    throw new AppError('INFERENCE_FAILED', `output "${name}" has ${at} values where its shape says ${size}`);
  }
  return data;
}

type Data = Float32Array | Float64Array | (number | boolean | string)[];

function newData(datatype: Datatype, size: number): Data {
  if (datatype === 'FP32') return new Float32Array(size);
  if (datatype === 'FP64') return new Float64Array(size);
  return new Array<number>(size);
}

/** A number that JSON does not have was left out of the answer; a tensor of floats has a place for it. */
function elementOf(datatype: Datatype, value: JsonValue): never {
  if (datatype === 'BYTES') return String(value) as never;
  if (datatype === 'BOOL') return Boolean(value) as never;
  return (value === null && isFloat(datatype) ? Number.NaN : Number(value)) as never;
}
