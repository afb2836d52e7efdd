import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../../kernel/json.ts';
import {
  GOLDEN_EXAMPLES_FILE,
  type GoldenExample,
  goldenExamplesSchema,
  makeGolden,
  replayGolden,
  syntheticRows,
  withVectors,
} from '../../proving/golden.ts';
import { compileRecordCheck, type InputRecord } from '../../record-check.ts';
import type { Runtime } from '../../runtimes/runtime.ts';
import { openModel, type ServableModel } from '../../servable-model.ts';
import type { Signature } from '../../signature.ts';
import { differenceOf } from '../../signature-difference.ts';
import { rowsOfExample } from './input-example.ts';
import { writeMlmodel } from './mlmodel.ts';
import type { ReadArtifact } from './read-artifact.ts';

/** What a registry adds to a version's files; they are digested with the rest. */
const GOLDEN_FILE = 'slipway/golden.json';
const SIGNATURE_FILE = 'slipway/signature.json';
const MAX_EXAMPLES = 50;

/**
 * Loads an artifact, proves it by the examples that it brings, and answers with its files and what every later load is
 * held against: MLmodel, signature and golden examples. What another registry of Slipway pinned must hold, and stays.
 * Fails with why it cannot be served.
 */
export async function completeArtifact(
  read: ReadArtifact,
  runtime: Runtime,
  exampleRows: readonly JsonObject[] = [],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const loaded = await openModel(read, runtime);
  try {
    if (!read.files.has(SIGNATURE_FILE)) return await completeFiles(read, loaded, exampleRows);
    await requirePinned(read, loaded);
    return read.files;
  } finally {
    await loaded.release();
  }
}

/** What `completeArtifact` added. */
export function pinnedFacts({ files }: Pick<ReadArtifact, 'files'>): {
  readonly golden: readonly GoldenExample[];
  readonly signature: Signature;
} {
  return {
    golden: goldenExamplesSchema.parse(readJson(files, GOLDEN_FILE) ?? []),
    signature: readJson(files, SIGNATURE_FILE) as unknown as Signature,
  };
}

async function requirePinned(read: ReadArtifact, loaded: ServableModel): Promise<void> {
  const { signature, golden } = pinnedFacts(read);
  const difference = differenceOf(signature, loaded.signature);
  if (difference !== null)
    throw new AppError(
      'SIGNATURE_MISMATCH',
      `It does not have the signature that it came with: ${difference}`,
    );
  await replayGolden(loaded, golden);
}

/** The version's files with the MLmodel, signature and golden examples that the registry adds. */
async function completeFiles(
  read: ReadArtifact,
  loaded: ServableModel,
  rows: readonly JsonObject[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map(read.files);
  if (!read.files.has('MLmodel')) files.set('MLmodel', encode(writeMlmodel(read, loaded.signature)));
  files.set(SIGNATURE_FILE, encodeJson(loaded.signature));
  files.set(GOLDEN_FILE, encodeJson(await goldenOf(read, loaded, rows)));
  return files;
}

async function goldenOf(
  read: ReadArtifact,
  loaded: ServableModel,
  rows: readonly JsonObject[],
): Promise<readonly GoldenExample[]> {
  const brought = goldenExamplesSchema.safeParse(readJson(read.files, GOLDEN_EXAMPLES_FILE) ?? []);
  if (!brought.success)
    throw new AppError(
      'MODEL_UNREADABLE',
      `${GOLDEN_EXAMPLES_FILE} must be a list of {"input": {…}, "output": {"prediction": …, "probabilities": […]}}`,
    );
  await replayGolden(loaded, brought.data);
  const check = compileRecordCheck(loaded.signature);
  rows.forEach((row, index) => {
    const [problem] = check.problems(row);
    if (problem !== undefined)
      throw new AppError(
        'INPUT_INVALID',
        `Example row ${index + 1} does not fit the signature: ${problem.path} ${problem.message}`,
      );
  });
  const example = parsedOrNull(read.files.get('serving_input_example.json'));
  const examples = rowsOfExample(example, loaded.signature);
  const given = [...rows, ...examples.filter((row) => check.fits(row))].slice(0, MAX_EXAMPLES);
  const shown = [...withVectors(brought.data, loaded), ...(await makeGolden(loaded, given as InputRecord[]))];
  if (shown.length === 0 && loaded.transform?.executesCode === true) {
    throw new AppError(
      'ARGUMENT_INVALID',
      'A transform that is code needs golden examples: give raw rows with --examples, or golden.json beside the model',
    );
  }
  const usual = shown[0]?.input as JsonObject | undefined;
  if (usual !== undefined && loaded.transform === null) return shown;
  const further = loaded.transform?.edgeRows(usual) ?? syntheticRows(loaded.signature);
  for (const row of further) {
    if (check.fits(row)) shown.push(...(await makeGolden(loaded, [row]).catch(() => [])));
  }
  return shown;
}

/** MLflow writes NaN for missing numbers, which is no JSON: such examples are passed over. */
function parsedOrNull(content: Uint8Array | undefined): JsonValue {
  try {
    return content === undefined ? null : (JSON.parse(Buffer.from(content).toString('utf8')) as JsonValue);
  } catch {
    return null;
  }
}

function readJson(files: ReadArtifact['files'], file: string): JsonValue {
  const content = files.get(file);
  if (content === undefined) return null;
  try {
    return JSON.parse(Buffer.from(content).toString('utf8')) as JsonValue;
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `${file} is not valid JSON: ${messageOf(error)}`);
  }
}

function encodeJson(value: unknown): Uint8Array {
  return encode(`${JSON.stringify(value, null, 1)}\n`);
}

function encode(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
