import { AppError, type FieldProblem, messageOf } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { compileRecordCheck } from '../record-check.ts';
import { compileChain } from './compile.ts';
import type { Fitter, Scalar } from './operation.ts';
import { RecordReader } from './record-reader.ts';
import { fieldsOf, knownFields } from './signature-fields.ts';
import type { Output, Step, TransformSpec } from './spec.ts';

/** Training rows, which can be gone through more than once. */
export interface TrainingRows {
  rows(): AsyncIterable<readonly JsonObject[]> | Iterable<readonly JsonObject[]>;
}

const MOST_PROBLEMS = 20;
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
export async function fitTransform(spec: TransformSpec, training: TrainingRows): Promise<TransformSpec> {
  let fitted = spec;
  const started = new Map<string, Fitter<unknown>>();
  for (let pass = 1; pass <= MOST_PASSES; pass++) {
    const reader = new RecordReader(fitted.fields);
    const learning = openSteps(fitted, reader, started);
    if (learning.length === 0) return fitted;
    await showAll(fitted, training, reader, learning, pass === 1);
    fitted = withLearnt(fitted, learning, started);
  }
  throw new AppError('INTERNAL', `The transform was not fitted after ${MOST_PASSES} passes`);
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

async function showAll(
  spec: TransformSpec,
  training: TrainingRows,
  reader: RecordReader,
  learning: readonly Learning[],
  isFirst: boolean,
): Promise<void> {
  const check = compileRecordCheck({ fields: fieldsOf(spec) });
  const problems: FieldProblem[] = [];
  let wrong = 0;
  let row = 0;
  for await (const batch of training.rows()) {
    for (const record of batch) {
      row++;
      if (isFirst) {
        const features = knownFields(spec, record);
        if (!check.fits(features)) {
          wrong++;
          if (problems.length < MOST_PROBLEMS) problems.push(...check.problems(features, `row ${row}: `));
          continue;
        }
      }
      if (wrong > 0) continue;
      reader.read(record);
      const label = labelOf(record, spec.target);
      for (const { fitter, value, output, step } of learning) {
        try {
          fitter.add(value(), label);
        } catch (error) {
          throw new AppError('TRANSFORM_INVALID', `outputs[${output}].steps[${step}]: ${messageOf(error)}`);
        }
      }
    }
  }
  if (row === 0) throw new AppError('INPUT_INVALID', 'There are no rows to learn from');
  if (wrong > 0) {
    throw new AppError('INPUT_INVALID', `${wrong} of ${row} rows do not fit the fields of the transform`, {
      problems: problems.slice(0, MOST_PROBLEMS),
    });
  }
}

function labelOf(record: JsonObject, target: string | undefined): number {
  const label = target === undefined ? undefined : record[target];
  if (typeof label === 'boolean') return Number(label);
  return typeof label === 'number' ? label : Number.NaN;
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
