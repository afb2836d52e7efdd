import { z } from 'zod';
import { AppError, messageOf } from '../../kernel/errors.ts';
import { float32Text } from '../../kernel/float-text.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { compileRecordCheck, type InputRecord } from '../record-check.ts';
import type { RowTransform } from '../row-transform.ts';
import type { RowOutput } from '../runtimes/runtime.ts';
import type { ServableModel } from '../servable-model.ts';
import type { Field, Signature } from '../signature.ts';

/** Where an author's own golden examples lie, beside the model. */
export const GOLDEN_EXAMPLES_FILE = 'golden.json';

/** A raw input, the numbers that were made of it, and what the version answered when it was registered; replayed at each load. */
export const goldenExamplesSchema = z.array(
  z.object({
    input: z.record(z.string(), z.json()),
    vector: z
      .array(z.number().nullable())
      .nullish()
      .describe('what the transform makes of the input; null for a number that JSON does not have'),
    output: z.object({ prediction: z.json(), probabilities: z.array(z.number().nullable()).nullish() }),
  }),
);
export type GoldenExample = z.infer<typeof goldenExamplesSchema>[number];

/**
 * Numbers of a golden example hold within this, relative to the greater of 1 and the number: kernels of other
 * processors round differently by a few float32 steps. Labels must be the same.
 */
export const GOLDEN_TOLERANCE = 1e-5;

/** Runs the rows and keeps the vectors and the answers. A row that the model cannot take fails with its reason. */
export async function makeGolden(
  model: ServableModel,
  rows: readonly InputRecord[],
): Promise<readonly GoldenExample[]> {
  const examples: GoldenExample[] = [];
  for (const row of rows) {
    const [output] = await model.run([row]);
    if (output === undefined) continue;
    const vector = model.transform === null ? {} : { vector: vectorOf(model.transform, row) };
    examples.push({ input: row as never, ...vector, output: outputOf(output) });
  }
  return examples;
}

/** Examples that were replayed, with the vectors that some of them came without. */
export function withVectors(
  examples: readonly GoldenExample[],
  { transform }: ServableModel,
): readonly GoldenExample[] {
  if (transform === null) return examples;
  return examples.map((example) => ({
    ...example,
    vector: example.vector ?? vectorOf(transform, example.input as InputRecord),
  }));
}

function vectorOf(transform: RowTransform, row: InputRecord): (number | null)[] {
  const vector = new Float32Array(transform.columns.length);
  transform.encode(row, vector, 0);
  return Array.from(vector, (number) => (Number.isFinite(number) ? Number(float32Text(number)) : null));
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

/**
 * Makes the vectors of the examples anew: they hold to the last bit. GOLDEN_MISMATCH names the first column that does
 * not, and the operations that make it. Rows that the fields no longer take are passed over: the signature differs then.
 */
export function replayVectors(
  { transform, signature }: Pick<ServableModel, 'transform' | 'signature'>,
  examples: readonly GoldenExample[],
): void {
  const check = compileRecordCheck(signature);
  for (const [index, { input, vector }] of examples.entries()) {
    if (vector == null || !check.fits(input)) continue;
    const difference = vectorDifference(transform, vector, input);
    if (difference !== null) throw broken(index, difference);
  }
}

/** Replays the examples, vectors and answers; GOLDEN_MISMATCH names the first that does not hold and by how much. */
export async function replayGolden(model: ServableModel, examples: readonly GoldenExample[]): Promise<void> {
  replayVectors(model, examples);
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

function vectorDifference(
  transform: RowTransform | null,
  expected: readonly (number | null)[],
  input: InputRecord,
): string | null {
  if (transform === null) return 'it has a vector, and the version has no transform';
  const actual = vectorOf(transform, input);
  if (actual.length !== expected.length)
    return `its vector has ${expected.length} numbers, the transform makes ${actual.length}`;
  const column = expected.findIndex((number, i) => !isSameFloat(number, actual[i] as number | null));
  return column === -1
    ? null
    : `column ${column + 1} "${transform.columns[column]}" was ${expected[column]} and is now ${actual[column]}: ${transform.originOf(column)}`;
}

function isSameFloat(expected: number | null, actual: number | null): boolean {
  return expected === null || actual === null
    ? expected === actual
    : Math.fround(expected) === Math.fround(actual);
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
