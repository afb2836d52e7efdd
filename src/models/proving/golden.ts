import { z } from 'zod';
import { AppError, messageOf } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { compileRecordCheck, type InputRecord } from '../record-check.ts';
import type { LoadedModel, RowOutput } from '../runtimes/runtime.ts';
import type { Field, Signature } from '../signature.ts';

/** A raw input and what the version answered when it was registered; replayed at each load. */
export const goldenExamplesSchema = z.array(
  z.object({
    input: z.record(z.string(), z.json()),
    output: z.object({ prediction: z.json(), probabilities: z.array(z.number().nullable()).nullish() }),
  }),
);
export type GoldenExample = z.infer<typeof goldenExamplesSchema>[number];

/**
 * Numbers of a golden example hold within this, relative to the greater of 1 and the number: kernels of other
 * processors round differently by a few float32 steps. Labels must be the same.
 */
export const GOLDEN_TOLERANCE = 1e-5;

/** Runs the rows and keeps the answers. A row that the model cannot take fails with its reason. */
export async function makeGolden(
  model: LoadedModel,
  rows: readonly InputRecord[],
): Promise<readonly GoldenExample[]> {
  const examples: GoldenExample[] = [];
  for (const row of rows) {
    const [output] = await model.run([row]);
    if (output !== undefined) examples.push({ input: row as never, output: outputOf(output) });
  }
  return examples;
}

function outputOf(output: RowOutput): GoldenExample['output'] {
  return {
    prediction: output.prediction as never,
    probabilities:
      output.probabilities === null
        ? null
        : Array.from(output.probabilities, (p) => (Number.isFinite(p) ? p : null)),
  };
}

/** Replays the examples; GOLDEN_MISMATCH names the first that does not hold and by how much. */
export async function replayGolden(model: LoadedModel, examples: readonly GoldenExample[]): Promise<void> {
  const check = compileRecordCheck(model.signature);
  for (const [index, example] of examples.entries()) {
    const input: unknown = example.input;
    if (!check.fits(input)) {
      const [problem] = check.problems(input);
      throw broken(index, `its input does not fit the signature: ${problem?.path} ${problem?.message}`);
    }
    const [output] = await model.run([input]).catch((error: unknown) => {
      throw broken(index, `the model fails on it: ${messageOf(error)}`);
    });
    const difference = output === undefined ? 'no answer' : differenceOf(example.output, outputOf(output));
    if (difference !== null) throw broken(index, difference);
  }
}

function broken(index: number, reason: string): AppError {
  return new AppError('GOLDEN_MISMATCH', `Golden example ${index + 1} does not hold: ${reason}`);
}

function differenceOf(expected: GoldenExample['output'], actual: GoldenExample['output']): string | null {
  if (!isClose(expected.prediction as JsonValue, actual.prediction as JsonValue)) {
    return `it answered ${JSON.stringify(expected.prediction)} and now answers ${JSON.stringify(actual.prediction)}`;
  }
  if (expected.probabilities == null) return null;
  return isClose(expected.probabilities, (actual.probabilities ?? null) as JsonValue)
    ? null
    : `its probabilities were [${expected.probabilities}] and are now [${actual.probabilities}]`;
}

function isClose(expected: JsonValue, actual: JsonValue): boolean {
  if (typeof expected === 'number' && typeof actual === 'number') {
    return Math.abs(expected - actual) <= GOLDEN_TOLERANCE * Math.max(1, Math.abs(expected));
  }
  if (typeof expected !== 'object' || expected === null) return expected === actual;
  if (typeof actual !== 'object' || actual === null || Array.isArray(expected) !== Array.isArray(actual))
    return false;
  const keys = Object.keys(expected);
  if (keys.length !== Object.keys(actual).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(actual, key) &&
      isClose((expected as JsonObject)[key] ?? null, (actual as JsonObject)[key] ?? null),
  );
}

const SYNTHETIC_NUMBERS = [0, 1, 0.5, -1, 100];

/** Plain rows for a model that came without examples, so that its numbers are pinned all the same. */
export function syntheticRows(signature: Signature): readonly InputRecord[] {
  return SYNTHETIC_NUMBERS.map((number) =>
    Object.fromEntries(
      signature.fields.map((field) => [field.name, syntheticValue(field, number, field.shape)]),
    ),
  );
}

function syntheticValue(field: Field, number: number, shape: readonly number[]): JsonValue {
  const [size, ...inner] = shape;
  if (size !== undefined)
    return Array.from({ length: size === -1 ? 4 : size }, () => syntheticValue(field, number, inner));
  if (field.type === 'string') return number === 0 ? '' : String(number);
  if (field.type === 'bool') return number > 0;
  if (field.type.startsWith('float')) return number;
  return field.type.startsWith('uint') ? Math.abs(Math.round(number)) : Math.round(number);
}
