import { AppError, messageOf } from '../../kernel/errors.ts';
import { CheckedBatches } from './checked-batches.ts';
import { type ColumnBatch, inColumns, type TrainingColumns, type TrainingRows } from './column-batch.ts';
import { compileChain } from './compile.ts';
import type { Fitter, Scalar } from './operation.ts';
import { RecordReader } from './record-reader.ts';
import type { Output, Step, TransformSpec } from './spec.ts';

/** Enough for the longest chain and a rank among billions of numbers; more means that an operation never ends. */
const MOST_PASSES = 64;

/** What one step learns during one pass. */
interface Learning {
  readonly output: number;
  readonly step: number;
  readonly fitter: Fitter<unknown>;
  /** The value before the step, of the row that was read last. */
  readonly value: () => Scalar;
}

/**
 * Learns every open step from the rows, one pass for each step of the longest chain: a step sees what those before it,
 * fitted, make of the data. INPUT_INVALID lists the rows that do not fit the fields; nothing is learnt then.
 */
export async function fitTransform(
  spec: TransformSpec,
  training: TrainingRows | TrainingColumns,
): Promise<TransformSpec> {
  const data = inColumns(training);
  const fitting = new Fitting(spec);
  const checked = new CheckedBatches(spec);
  for (let isFirst = true; !fitting.isDone; isFirst = false) {
    let rows = 0;
    for await (const batch of data.batches({ ...spec, labels: spec.target !== undefined })) {
      rows += batch.count;
      if (isFirst) checked.see(batch);
      if (checked.wrong === 0) learnBatch(fitting, batch);
    }
    checked.refuse(data.name);
    fitting.endPass(rows);
  }
  return fitting.spec;
}

function learnBatch(fitting: Fitting, { count, columns, labels }: ColumnBatch): void {
  const { reader } = fitting;
  reader.openColumns(columns);
  for (let row = 0; row < count; row++) {
    reader.readRow(row);
    fitting.learn(labels === null ? Number.NaN : (labels[row] as number));
  }
}

/** The learning of a transform, pass by pass: each row is read into `reader`, then learnt. */
export class Fitting {
  #spec: TransformSpec;
  #reader: RecordReader;
  #learning: readonly Learning[];
  #passes = 0;
  readonly #started = new Map<string, Fitter<unknown>>();

  constructor(spec: TransformSpec) {
    this.#spec = spec;
    this.#reader = new RecordReader(spec.fields);
    this.#learning = openSteps(spec, this.#reader, this.#started);
  }

  /** As far as it is learnt. */
  get spec(): TransformSpec {
    return this.#spec;
  }

  /** Of this pass: the next one has its own. */
  get reader(): RecordReader {
    return this.#reader;
  }

  get isDone(): boolean {
    return this.#learning.length === 0;
  }

  /** Takes the row that the reader holds; `label` is NaN where there is none. */
  learn(label: number): void {
    for (const { fitter, value, output, step } of this.#learning) {
      try {
        fitter.add(value(), label);
      } catch (error) {
        throw new AppError('TRANSFORM_INVALID', `outputs[${output}].steps[${step}]: ${messageOf(error)}`);
      }
    }
  }

  /** After the `rows` rows of a pass. */
  endPass(rows: number): void {
    if (rows === 0) throw new AppError('INPUT_INVALID', 'There are no rows to learn from');
    if (++this.#passes > MOST_PASSES)
      throw new AppError('INTERNAL', `The transform was not fitted after ${MOST_PASSES} passes`);
    this.#spec = withLearnt(this.#spec, this.#learning, this.#started);
    this.#reader = new RecordReader(this.#spec.fields);
    this.#learning = openSteps(this.#spec, this.#reader, this.#started);
  }
}

/** The transform before it learnt anything. */
export function unfitted(spec: TransformSpec): TransformSpec {
  const forget = (step: Step): Step =>
    step.operation.fitted === null ? step : { ...step, fitted: undefined };
  return {
    ...spec,
    outputs: spec.outputs.map((output) => ({ ...output, steps: output.steps.map(forget) })),
  };
}

/** The first step of each chain that is still to be fitted. */
function openSteps(
  spec: TransformSpec,
  reader: RecordReader,
  started: Map<string, Fitter<unknown>>,
): readonly Learning[] {
  return spec.outputs.flatMap((output, o) => {
    const s = output.steps.findIndex((step) => step.fitted === undefined);
    if (s === -1) return [];
    const { operation, options } = output.steps[s] as Step;
    const key = `${o}.${s}`;
    const fitter = started.get(key) ?? operation.fit?.(options);
    if (fitter === undefined) throw new AppError('INTERNAL', `${operation.name} cannot be fitted`);
    started.set(key, fitter);
    return [{ output: o, step: s, fitter, value: compileChain(output, reader, s) }];
  });
}

function withLearnt(
  spec: TransformSpec,
  learning: readonly Learning[],
  started: Map<string, Fitter<unknown>>,
): TransformSpec {
  const outputs: Output[] = [...spec.outputs];
  for (const { output: o, step: s, fitter } of learning) {
    const fitted = fitter.finish();
    if (fitted === null) continue;
    started.delete(`${o}.${s}`);
    const output = outputs[o] as Output;
    outputs[o] = { ...output, steps: output.steps.with(s, { ...(output.steps[s] as Step), fitted }) };
  }
  return { ...spec, outputs };
}
