import path from 'node:path';
import type { Clock } from '../../../kernel/clock.ts';
import { AppError } from '../../../kernel/errors.ts';
import { digestOf } from '../../digest.ts';
import {
  MODEL_NAME,
  type ModelReference,
  type NameScheme,
  referenceTo,
  SEMVER,
  selectVersion,
} from '../../model-reference.ts';
import { type ModelVersion, type RegisteredModel, STAGE_ALIASES, type Stage } from '../../model-version.ts';
import type { Runtime } from '../../runtimes/runtime.ts';
import { CODE_FILE, TRANSFORM_FILE } from '../../transform-files.ts';
import { ArtifactDirectory } from '../artifacts/artifact-directory.ts';
import { completeArtifact } from '../artifacts/complete-artifact.ts';
import { type ReadArtifact, readArtifact } from '../artifacts/read-artifact.ts';
import type { ModelStore } from '../model-store.ts';
import type { Registered, Registration, VersionArtifact } from '../registry.ts';
import type { EditableRegistry } from '../registry-router.ts';

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
export class LocalRegistry implements EditableRegistry {
  readonly #deps: Dependencies;
  readonly #artifacts: ArtifactDirectory;

  constructor(deps: Dependencies) {
    this.#deps = deps;
    this.#artifacts = new ArtifactDirectory(deps.directory);
  }

  listModels(): Promise<readonly RegisteredModel[]> {
    return this.#deps.store.listModels();
  }

  async getModel(name: string): Promise<RegisteredModel> {
    // What no model can be called is not looked for: a store may not even take it.
    const model = MODEL_NAME.test(name) ? await this.#deps.store.findModel(name) : null;
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

  fetch(version: ModelVersion): Promise<VersionArtifact> {
    return this.#artifacts.read(version);
  }

  setAlias(version: ModelVersion, alias: string): Promise<void> {
    return this.#deps.store.setAlias(version.model, alias, version.number);
  }

  removeAlias(model: string, _scheme: NameScheme, alias: string): Promise<boolean> {
    return this.#deps.store.removeAlias(model, alias);
  }

  /** Production and Staging are aliases here; a version leaves the one when it gets the other. */
  async setStage(version: ModelVersion, stage: Stage): Promise<void> {
    const { store, clock } = this.#deps;
    const { model, number } = version;
    await store.setArchived(model, number, stage === 'Archived' ? clock.now() : null);
    const own = Object.entries(STAGE_ALIASES);
    for (const [alias, each] of own)
      if (each !== stage && version.aliases.includes(alias)) await store.removeAlias(model, alias);
    const alias = own.find(([, each]) => each === stage)?.[0];
    if (alias !== undefined) await store.setAlias(model, alias, number);
  }

  /**
   * Loads the artifact, proves it, makes its golden examples, copies it and gives it a number. The same content
   * registered again answers with the version that it is.
   */
  async register(registration: Registration): Promise<Registered> {
    const read = withTransform(
      await readArtifact(registration.location, { registry: 'embedded', digest: null }),
      registration.transform,
    );
    const name = nameOf(registration, read);
    const semver = semverOf(registration, read);
    const completed = await completeArtifact(read, this.#deps.runtime, registration.exampleRows);
    const { digest, files } = digestOf(completed);
    await this.#artifacts.write({ model: name, digest }, completed);
    const { version, created } = await this.#deps.store.addVersion({
      model: name,
      semver,
      digest,
      files,
      flavor: read.flavor,
      source: registration.source ?? registration.location,
      metadata: { ...read.declaration.metadata, ...registration.metadata },
      createdAt: this.#deps.clock.now(),
    });
    for (const alias of registration.aliases ?? [])
      await this.#deps.store.setAlias(name, alias, version.number);
    return { version: await this.resolve(referenceTo(version)), created };
  }
}

function withTransform(read: ReadArtifact, transform: Registration['transform']): ReadArtifact {
  if (transform === undefined) return read;
  const own = [TRANSFORM_FILE, CODE_FILE].find((file) => read.files.has(file));
  if (own !== undefined)
    throw new AppError('ARGUMENT_INVALID', `The model has its own ${own}: leave out the other one`);
  return { ...read, files: new Map([...read.files, ...transform]) };
}

function nameOf(registration: Registration, read: ReadArtifact): string {
  const stem = path
    .basename(path.resolve(registration.location))
    .replace(/\.(onnx|pkl|pickle|joblib|skops|ubj|json|txt|model)$/i, '');
  const name =
    registration.name ??
    read.declaration.name ??
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
  const semver = (registration.semver ?? read.declaration.semver)?.replace(/^v/, '') ?? null;
  if (semver !== null && !SEMVER.test(semver)) {
    throw new AppError(
      'ARGUMENT_INVALID',
      `"${semver.slice(0, 64)}" is not a semantic version such as 2.1.0`,
    );
  }
  return semver;
}
