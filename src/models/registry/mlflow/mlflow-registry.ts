import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../../kernel/clock.ts';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import type { Logger } from '../../../kernel/logger.ts';
import {
  type ModelReference,
  type NameScheme,
  referenceText,
  SEMVER,
  selectVersion,
} from '../../model-reference.ts';
import type { ModelVersion, RegisteredModel, Stage } from '../../model-version.ts';
import type { Runtime } from '../../runtimes/runtime.ts';
import { ArtifactDirectory } from '../artifacts/artifact-directory.ts';
import { completeArtifact } from '../artifacts/complete-artifact.ts';
import { digestOf, readArtifact } from '../artifacts/read-artifact.ts';
import type { VersionArtifact } from '../registry.ts';
import type { EditableRegistry } from '../registry-router.ts';
import { sourceOf } from './artifact-source.ts';
import { download } from './download.ts';
import type { MlflowClient, MlflowModel, MlflowVersion } from './mlflow-client.ts';
import { pushVersion } from './push-version.ts';
import { VersionRecords } from './version-records.ts';
import { DIGEST_TAG, SEMVER_TAGS } from './version-tags.ts';

export interface MlflowRegistryDependencies {
  readonly client: MlflowClient;
  /** Where fetched versions are kept. */
  readonly directory: string;
  /** All of them together; those used longest ago go first. */
  readonly cacheBytes: number;
  /** How old an answer may be that was not asked for fresh, milliseconds. */
  readonly maxAgeMs: number;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly logger: Logger;
}

const STAGES: readonly Stage[] = ['None', 'Staging', 'Production', 'Archived'];
const PROGRESS_MS = 5_000;

/**
 * Registered models of an MLflow server. A version is fetched once: its files, completed with what later loads are held
 * against, are kept with their digest, so that the server is not needed to load it again.
 */
export class MlflowRegistry implements EditableRegistry {
  readonly #deps: MlflowRegistryDependencies;
  readonly #artifacts: ArtifactDirectory;
  readonly #records: VersionRecords;
  readonly #answers = new Map<string, { readonly version: ModelVersion; readonly at: number }>();
  readonly #fetching = new Map<string, Promise<VersionArtifact>>();

  constructor(deps: MlflowRegistryDependencies) {
    this.#deps = deps;
    this.#artifacts = new ArtifactDirectory(path.join(deps.directory, 'artifacts'));
    this.#records = new VersionRecords(deps.directory);
  }

  /** When the server cannot be asked: the versions that were fetched. */
  async listModels(): Promise<readonly RegisteredModel[]> {
    try {
      const models = await this.#deps.client.models();
      return models.map((model) => registeredModel(model, model.latest_versions));
    } catch (error) {
      if (!isOutage(error)) throw error;
      return this.#fetchedModels();
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
      return last;
    }
  }

  /**
   * The files of a version, from the cache or from the server. MODEL_UNREADABLE and what a load is refused with when they
   * cannot be served; REGISTRY_UNAVAILABLE when they do not arrive.
   */
  fetch(version: ModelVersion): Promise<VersionArtifact> {
    const key = `${version.model}/${version.number}`;
    const underWay = this.#fetching.get(key);
    if (underWay !== undefined) return underWay;
    const fetching = this.#fetch(version).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
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
    return this.#artifacts.pathOf(version);
  }

  /** Makes a version of `name` on the server from one of another registry. */
  async push(
    artifact: VersionArtifact,
    name: string,
    onFile: (file: string, done: number, total: number) => void,
  ): Promise<ModelVersion> {
    return modelVersion(await pushVersion(this.#deps.client, this.#deps.clock, artifact, name, onFile));
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

  async #fetch(version: ModelVersion): Promise<VersionArtifact> {
    const kept = await this.#records.fetched(version.model, version.number);
    if (kept !== null && kept.createdAt === version.createdAt) {
      try {
        return await this.#artifacts.read({ ...version, ...learntOf(kept) });
      } catch (error) {
        this.#deps.logger.warn(
          `The cached files of ${version.model}/${version.number} are not what was fetched: they are fetched anew`,
          { error },
        );
        await this.#artifacts.remove(kept);
        await this.#records.forget(kept);
      }
    }
    return this.#fetchAnew(version);
  }

  async #fetchAnew(version: ModelVersion): Promise<VersionArtifact> {
    const { client, directory, runtime } = this.#deps;
    const facts = await client.version(version.model, String(version.number));
    if (facts.status !== 'READY') {
      const reason = facts.status_message ?? '';
      throw new AppError(
        'MODEL_UNREADABLE',
        `MLflow says that the version is ${facts.status}. ${reason}`.trim(),
      );
    }
    const incoming = path.join(
      directory,
      'incoming',
      `${encodeURIComponent(version.model)}-${version.number}-${version.createdAt}`,
    );
    await this.#download(version, facts, incoming);
    try {
      const read = await readArtifact(incoming);
      requireDigest(facts, digestOf(read.files).digest);
      const files = await completeArtifact(read, runtime);
      const completed: ModelVersion = {
        ...version,
        ...digestOf(files),
        semver: version.semver ?? read.mlmodel?.semver ?? null,
        flavor: read.mlmodel?.flavor ?? 'onnx',
        metadata: { ...read.mlmodel?.metadata, ...(await this.#training(facts)) },
      };
      await this.#artifacts.write(completed, files);
      await this.#records.keepFetched(completed);
      await this.#evict(completed);
      return await this.#artifacts.read(completed);
    } finally {
      // Whole files that are refused are as wrong the next time: what broke off is kept, and thrown before this.
      await rm(incoming, { recursive: true, force: true });
    }
  }

  async #download(version: ModelVersion, facts: MlflowVersion, incoming: string): Promise<void> {
    const { client, cacheBytes, clock, logger } = this.#deps;
    const name = `${version.model}/${version.number}`;
    const uri = await client.downloadUri(version.model, String(version.number));
    const source = await sourceOf(client, uri, facts.run_id || null);
    await mkdir(incoming, { recursive: true });
    const startedAt = clock.elapsed();
    let saidAt = startedAt;
    await download(source, incoming, cacheBytes, (done, total) => {
      if (clock.elapsed() - saidAt < PROGRESS_MS) return;
      saidAt = clock.elapsed();
      logger.info(`${name}: ${done} of ${total ?? 'unknown'} bytes`, { 'event.action': 'version.download' });
    });
    logger.info(`${name} is downloaded`, {
      'event.action': 'version.downloaded',
      'event.duration': Math.round((clock.elapsed() - startedAt) * 1e6),
    });
  }

  /** What MLflow knows of the training: the run's metrics and parameters, tags, description. */
  async #training(facts: MlflowVersion): Promise<JsonObject> {
    const { client, logger } = this.#deps;
    const own = {
      ...(facts.description && { description: facts.description }),
      ...(Object.keys(facts.tags).length > 0 && { tags: facts.tags }),
      ...(facts.run_id && { run_id: facts.run_id }),
    };
    if (!facts.run_id) return own;
    try {
      const { metrics, params } = (await client.run(facts.run_id)).data;
      return {
        ...own,
        metrics: Object.fromEntries(metrics.map(({ key, value }) => [key, value])),
        params: Object.fromEntries(params.map(({ key, value }) => [key, value])),
      };
    } catch (error) {
      logger.warn(`The run of ${facts.name}/${facts.version} cannot be read: its metrics are left out`, {
        error,
      });
      return own;
    }
  }

  async #evict(newest: ModelVersion): Promise<void> {
    const all = await this.#records.allFetched();
    let bytes = all.reduce((sum, { files }) => sum + bytesOf(files), 0);
    for (const version of all) {
      if (bytes <= this.#deps.cacheBytes) return;
      if (version.model === newest.model && version.number === newest.number) continue;
      await this.#records.forget(version);
      await this.#artifacts.remove(version);
      bytes -= bytesOf(version.files);
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

function requireDigest({ tags, name, version }: MlflowVersion, found: string): void {
  const expected = tags[DIGEST_TAG];
  if (expected === undefined || expected === found) return;
  throw new AppError(
    'DIGEST_MISMATCH',
    `The files of ${name}/${version} have the digest ${found}, and its tag ${DIGEST_TAG} says ${expected.slice(0, 80)}`,
  );
}

/** What is known of a version only once it was fetched. */
function learntOf({ digest, files, flavor, metadata, semver }: ModelVersion) {
  return { digest, files, flavor, metadata, semver };
}

function registeredModel(model: MlflowModel, versions: readonly MlflowVersion[]): RegisteredModel {
  const aliases = new Map<string, string[]>();
  for (const { alias, version } of model.aliases)
    aliases.set(version, [...(aliases.get(version) ?? []), alias]);
  const known = versions.map((version) =>
    modelVersion({ ...version, aliases: aliases.get(version.version) ?? [] }),
  );
  return { name: model.name, versions: known.sort((a, b) => b.number - a.number) };
}

function modelVersion(version: MlflowVersion): ModelVersion {
  const stage = STAGES.find((each) => each === version.current_stage) ?? 'None';
  const semver = SEMVER_TAGS.map((tag) => version.tags[tag]?.replace(/^v/, '')).find(
    (text) => text !== undefined && SEMVER.test(text),
  );
  return {
    registry: 'mlflow',
    model: version.name,
    number: Number(version.version),
    semver: semver ?? null,
    digest: null,
    files: [],
    flavor: 'onnx',
    source: version.source,
    metadata: {},
    aliases: [...version.aliases].sort(),
    stage,
    createdAt: version.creation_timestamp,
    archivedAt: stage === 'Archived' ? version.last_updated_timestamp : null,
  };
}

function bytesOf(files: ModelVersion['files']): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
