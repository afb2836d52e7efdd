import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../kernel/clock.ts';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.ts';
import { MODEL_NAME, type ModelReference, SEMVER, selectVersion } from '../../model-reference.ts';
import type { ModelVersion, RegisteredModel } from '../../model-version.ts';
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
import { CODE_FILE, TRANSFORM_FILE } from '../../transform-files.ts';
import type { ModelStore } from '../model-store.ts';
import type { ModelRegistry, Registration, VersionArtifact } from '../registry.ts';
import { writeMlmodel } from './mlmodel.ts';
import { digestOf, type ReadArtifact, readArtifact } from './read-artifact.ts';

/** What the registry adds to a version's files; they are digested with the rest. */
const GOLDEN_FILE = 'slipway/golden.json';
const SIGNATURE_FILE = 'slipway/signature.json';
const MAX_EXAMPLES = 50;

interface Dependencies {
  readonly directory: string;
  readonly store: ModelStore;
  readonly runtime: Runtime;
  readonly clock: Clock;
}

/**
 * The embedded registry: a directory per version in MLflow model format, named by its digest, and the state in the
 * store. A directory is complete before its row exists, so a crash leaves at most a directory nobody points to.
 */
export class LocalRegistry implements ModelRegistry {
  readonly #deps: Dependencies;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  listModels(): Promise<readonly RegisteredModel[]> {
    return this.#deps.store.listModels();
  }

  async getModel(name: string): Promise<RegisteredModel> {
    const model = await this.#deps.store.findModel(name);
    if (model === null)
      throw new AppError(
        'MODEL_NOT_FOUND',
        `No model is registered as "${name.slice(0, 128)}"; \`slipway models list\` shows what there is`,
      );
    return model;
  }

  async resolve(reference: ModelReference): Promise<ModelVersion> {
    return selectVersion(await this.getModel(reference.model), reference);
  }

  async fetch(version: ModelVersion): Promise<VersionArtifact> {
    const read = await readArtifact(this.#directoryOf(version));
    const found = digestOf(read.files);
    if (found.digest !== version.digest)
      throw new AppError('DIGEST_MISMATCH', differingFile(version, found.files));
    return {
      version,
      artifact: read,
      golden: goldenExamplesSchema.parse(readJson(read, GOLDEN_FILE) ?? []),
      signature: readJson(read, SIGNATURE_FILE) as unknown as Signature,
    };
  }

  /**
   * Loads the artifact, proves it, makes its golden examples, copies it and gives it a number. The same content
   * registered again answers with the version that it is.
   */
  async register(
    registration: Registration,
  ): Promise<{ readonly version: ModelVersion; readonly created: boolean }> {
    const read = withTransform(await readArtifact(registration.location), registration.transform);
    const name = nameOf(registration, read);
    const semver = semverOf(registration, read);
    const loaded = await openModel(read, this.#deps.runtime);
    let completed: ReadonlyMap<string, Uint8Array>;
    try {
      completed = await completeFiles(read, loaded, registration.exampleRows ?? []);
    } finally {
      await loaded.release();
    }
    const { digest, files } = digestOf(completed);
    await this.#writeOnce(name, digest, completed);
    const { version, created } = await this.#deps.store.addVersion({
      model: name,
      semver,
      digest,
      files,
      flavor: 'onnx',
      source: registration.location,
      metadata: read.mlmodel?.metadata ?? {},
      createdAt: this.#deps.clock.now(),
    });
    for (const alias of registration.aliases ?? [])
      await this.#deps.store.setAlias(name, alias, version.number);
    return {
      version: await this.resolve({
        model: name,
        scheme: 'name',
        by: 'version',
        version: String(version.number),
      }),
      created,
    };
  }

  async #writeOnce(name: string, digest: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const target = this.#directoryOf({ model: name, digest });
    const staging = path.join(this.#deps.directory, '.incoming', randomUUID());
    try {
      for (const [file, content] of files) {
        const to = path.join(staging, file);
        await mkdir(path.dirname(to), { recursive: true });
        await writeFile(to, content);
      }
      await mkdir(path.dirname(target), { recursive: true });
      await rename(staging, target);
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return;
      throw new AppError(
        'STORE_UNAVAILABLE',
        `The registry directory cannot be written: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  #directoryOf({ model, digest }: Pick<ModelVersion, 'model' | 'digest'>): string {
    return path.join(this.#deps.directory, model, (digest ?? '').replace('sha256:', '').slice(0, 16));
  }
}

/** The version's files with the MLmodel, signature and golden examples that the registry adds. */
async function completeFiles(
  read: ReadArtifact,
  loaded: ServableModel,
  rows: readonly JsonObject[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map(read.files);
  const spec = loaded.signature.output;
  if (read.mlmodel === null) {
    files.set(
      'MLmodel',
      encode(writeMlmodel(read.entry, loaded.signature, spec.task === 'classification' ? spec.labels : null)),
    );
  }
  files.set(SIGNATURE_FILE, encodeJson(loaded.signature));
  files.set(GOLDEN_FILE, encodeJson(await goldenOf(read, loaded, rows)));
  return files;
}

async function goldenOf(
  read: ReadArtifact,
  loaded: ServableModel,
  rows: readonly JsonObject[],
): Promise<readonly GoldenExample[]> {
  const brought = goldenExamplesSchema.safeParse(readJson(read, GOLDEN_EXAMPLES_FILE) ?? []);
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
  const given = [...rows, ...inputExamples(read).filter((row) => check.fits(row))].slice(0, MAX_EXAMPLES);
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

function withTransform(read: ReadArtifact, transform: Registration['transform']): ReadArtifact {
  if (transform === undefined) return read;
  const own = [TRANSFORM_FILE, CODE_FILE].find((file) => read.files.has(file));
  if (own !== undefined)
    throw new AppError('ARGUMENT_INVALID', `The model has its own ${own}: leave out the other one`);
  return { ...read, files: new Map([...read.files, ...transform]) };
}

/** Rows of the input example that `mlflow.save_model(input_example=…)` left (`dataframe_split` or `inputs`). */
function inputExamples(read: ReadArtifact): readonly JsonObject[] {
  const serving = parsedOrNull(read.files.get('serving_input_example.json'));
  if (!isJsonObject(serving) || !isJsonObject(serving['dataframe_split'])) return [];
  const { columns, data } = serving['dataframe_split'];
  if (!Array.isArray(columns) || !Array.isArray(data)) return [];
  return data
    .filter((row): row is JsonValue[] => Array.isArray(row))
    .map((row) => Object.fromEntries(columns.map((column, i) => [String(column), row[i] ?? null])));
}

function nameOf(registration: Registration, read: ReadArtifact): string {
  const stem = path.basename(path.resolve(registration.location)).replace(/\.onnx$/, '');
  const name =
    registration.name ??
    read.mlmodel?.name ??
    stem.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  if (!MODEL_NAME.test(name)) {
    throw new AppError(
      'ARGUMENT_INVALID',
      `"${name.slice(0, 128)}" cannot be a model's name: use letters, digits, dot, dash and underscore (--name)`,
    );
  }
  return name;
}

function semverOf(registration: Registration, read: ReadArtifact): string | null {
  const semver = (registration.semver ?? read.mlmodel?.semver ?? null)?.replace(/^v/, '') ?? null;
  if (semver !== null && !SEMVER.test(semver)) {
    throw new AppError(
      'ARGUMENT_INVALID',
      `"${semver.slice(0, 64)}" is not a semantic version such as 2.1.0`,
    );
  }
  return semver;
}

function differingFile(version: ModelVersion, found: ModelVersion['files']): string {
  const registered = new Map(version.files.map((file) => [file.path, file]));
  for (const file of found) {
    if (!isDeepStrictEqual(registered.get(file.path), file))
      return `${file.path} is not the file that was registered as ${version.model}/${version.number}`;
    registered.delete(file.path);
  }
  return `${[...registered.keys()].join(', ')} of ${version.model}/${version.number} is missing`;
}

/** MLflow writes NaN for missing numbers, which is no JSON: such examples are passed over. */
function parsedOrNull(content: Uint8Array | undefined): JsonValue {
  try {
    return content === undefined ? null : (JSON.parse(Buffer.from(content).toString('utf8')) as JsonValue);
  } catch {
    return null;
  }
}

function readJson(read: ReadArtifact, file: string): JsonValue {
  const content = read.files.get(file);
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
