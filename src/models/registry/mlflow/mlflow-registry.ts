import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { type ModelReference, type NameScheme, referenceText, selectVersion } from '../../model-reference.ts';
import type { ModelVersion, RegisteredModel, Stage } from '../../model-version.ts';
import type { VersionArtifact } from '../registry.ts';
import type { EditableRegistry } from '../registry-router.ts';
import { modelVersion, registeredModel } from './model-facts.ts';
import { pushVersion } from './push-version.ts';
import { type FetcherDependencies, VersionFetcher } from './version-fetcher.ts';
import { VersionRecords } from './version-records.ts';

export interface MlflowRegistryDependencies extends FetcherDependencies {
  /** How old an answer may be that was not asked for fresh, milliseconds. */
  readonly maxAgeMs: number;
}

/** Registered models of an MLflow server; what was fetched of them serves on while it cannot be asked. */
export class MlflowRegistry implements EditableRegistry {
  readonly #deps: MlflowRegistryDependencies;
  readonly #records: VersionRecords;
  readonly #fetcher: VersionFetcher;
  readonly #answers = new Map<string, { readonly version: ModelVersion; readonly at: number }>();

  constructor(deps: MlflowRegistryDependencies) {
    this.#deps = deps;
    this.#records = new VersionRecords(deps.directory);
    this.#fetcher = new VersionFetcher(deps, this.#records);
  }

  /** When the server cannot be asked: the versions that were fetched. */
  async listModels(): Promise<readonly RegisteredModel[]> {
    try {
      const models = await this.#deps.client.models();
      return models.map((model) => registeredModel(model, model.latest_versions));
    } catch (error) {
      const fetched = isOutage(error) ? await this.#fetchedModels() : [];
      if (fetched.length === 0) throw error;
      this.#sayOld(error);
      return fetched;
    }
  }

  async getModel(name: string): Promise<RegisteredModel> {
    const { client } = this.#deps;
    try {
      const [model, versions] = await Promise.all([client.model(name), client.versions(name)]);
      return registeredModel(model, versions);
    } catch (error) {
      const known = isOutage(error)
        ? (await this.#fetchedModels()).find((model) => model.name === name)
        : undefined;
      if (known === undefined) throw error;
      this.#sayOld(error);
      return known;
    }
  }

  /** When the server cannot be asked: what the reference meant last, unless a fresh answer is wanted. */
  async resolve(reference: ModelReference, options?: { readonly fresh: boolean }): Promise<ModelVersion> {
    const text = referenceText(reference);
    const known = this.#answers.get(text);
    const now = this.#deps.clock.elapsed();
    const isFresh = options?.fresh === true;
    if (!isFresh && known !== undefined && now - known.at < this.#deps.maxAgeMs) return known.version;
    try {
      const version = await this.#ask(reference);
      this.#answers.set(text, { version, at: now });
      await this.#keepMeant(text, version);
      return version;
    } catch (error) {
      if (isFresh || !isOutage(error)) throw error;
      const last = known?.version ?? (await this.#records.meant(text));
      if (last === null) throw error;
      // Not asked for again at once: every caller would wait until the server does not answer.
      this.#answers.set(text, { version: last, at: this.#deps.clock.elapsed() });
      this.#sayOld(error);
      return last;
    }
  }

  fetch(version: ModelVersion): Promise<VersionArtifact> {
    return this.#fetcher.fetch(version);
  }

  async setAlias(version: ModelVersion, alias: string): Promise<void> {
    await this.#deps.client.setAlias(version.model, alias, String(version.number));
    this.#answers.clear();
  }

  async removeAlias(model: string, _scheme: NameScheme, alias: string): Promise<boolean> {
    const { aliases } = await this.#deps.client.model(model);
    if (!aliases.some((each) => each.alias === alias)) return false;
    await this.#deps.client.removeAlias(model, alias);
    this.#answers.clear();
    return true;
  }

  async setStage(version: ModelVersion, stage: Stage): Promise<void> {
    await this.#deps.client.setStage(version.model, String(version.number), stage);
    this.#answers.clear();
  }

  /** Where the files of a version lie that was fetched. */
  pathOf(version: ModelVersion): string {
    return this.#fetcher.pathOf(version);
  }

  /** The files that an artifact URI names, as a directory for as long as `use` takes. */
  bring<Used>(uri: string, use: (directory: string, training: JsonObject) => Promise<Used>): Promise<Used> {
    return this.#fetcher.bring(uri, use);
  }

  /** Makes a version of `name` on the server from one of another registry. */
  async push(
    artifact: Pick<VersionArtifact, 'version' | 'artifact'>,
    name: string,
    onFile: (file: string, done: number, total: number) => void,
  ): Promise<ModelVersion> {
    return modelVersion(await pushVersion(this.#deps.client, this.#deps.clock, artifact, name, onFile));
  }

  #sayOld(error: unknown): void {
    this.#deps.logger.warn(`${messageOf(error)}; what was fetched before is used`, {
      'event.action': 'registry.unavailable',
    });
  }

  async #fetchedModels(): Promise<readonly RegisteredModel[]> {
    const models = new Map<string, ModelVersion[]>();
    for (const version of await this.#records.allFetched())
      models.set(version.model, [...(models.get(version.model) ?? []), version]);
    return [...models].map(([name, versions]) => ({
      name,
      versions: versions.sort((a, b) => b.number - a.number),
    }));
  }

  async #ask(reference: ModelReference): Promise<ModelVersion> {
    const { client } = this.#deps;
    const { model } = reference;
    switch (reference.by) {
      case 'alias':
        return modelVersion(await client.versionByAlias(model, reference.alias));
      case 'stage': {
        const [newest] = await client.latestVersions(model, [reference.stage]);
        if (newest !== undefined) return modelVersion(newest);
        throw new AppError('VERSION_NOT_FOUND', `${model} has no version in ${reference.stage}`);
      }
      case 'latest': {
        const [newest] = [...(await client.latestVersions(model, []))].sort(
          (a, b) => Number(b.version) - Number(a.version),
        );
        if (newest !== undefined) return modelVersion(newest);
        throw new AppError('VERSION_NOT_FOUND', `${model} has no version`);
      }
      case 'version':
        if (/^\d{1,9}$/.test(reference.version))
          return modelVersion(await client.version(model, reference.version));
        return selectVersion(await this.getModel(model), reference);
    }
  }

  async #keepMeant(reference: string, version: ModelVersion): Promise<void> {
    const before = await this.#records.meant(reference);
    if (before?.number === version.number && before.createdAt === version.createdAt) return;
    await this.#records.keepMeant(reference, version).catch((error: unknown) => {
      this.#deps.logger.warn(`The registry cache cannot be written: ${messageOf(error)}`, { error });
    });
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof AppError && error.code === 'REGISTRY_UNAVAILABLE';
}
