import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../../kernel/clock.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import type { Logger } from '../../../kernel/logger.ts';
import { digestOf } from '../../digest.ts';
import type { ModelVersion } from '../../model-version.ts';
import type { Runtime } from '../../runtimes/runtime.ts';
import { ArtifactDirectory } from '../artifacts/artifact-directory.ts';
import { completeArtifact } from '../artifacts/complete-artifact.ts';
import { readArtifact } from '../artifacts/read-artifact.ts';
import type { VersionArtifact } from '../registry.ts';
import { type ArtifactSource, runOf, sourceOf } from './artifact-source.ts';
import { download } from './download.ts';
import type { MlflowVersion } from './mlflow-answers.ts';
import type { MlflowClient } from './mlflow-client.ts';
import type { VersionRecords } from './version-records.ts';
import { DIGEST_TAG } from './version-tags.ts';

export interface FetcherDependencies {
  readonly client: MlflowClient;
  /** Where fetched versions are kept. */
  readonly directory: string;
  /** All of them together; those used longest ago go first. */
  readonly cacheBytes: number;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly logger: Logger;
}

const PROGRESS_MS = 5_000;

/**
 * Brings the files of an MLflow server here. A version is fetched once: its files, completed with what later loads are
 * held against, are kept with their digest, so that the server is not needed to load it again.
 */
export class VersionFetcher {
  readonly #deps: FetcherDependencies;
  readonly #records: VersionRecords;
  readonly #artifacts: ArtifactDirectory;
  readonly #fetching = new Map<string, Promise<VersionArtifact>>();

  constructor(deps: FetcherDependencies, records: VersionRecords) {
    this.#deps = deps;
    this.#records = records;
    this.#artifacts = new ArtifactDirectory(path.join(deps.directory, 'artifacts'));
  }

  /** Where the files of a version lie that was fetched. */
  pathOf(version: ModelVersion): string {
    return this.#artifacts.pathOf(version);
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

  /**
   * The files that an artifact URI names (`runs:/id/path`, `mlflow-artifacts:/path`, `models:/m-id`) as a directory, for
   * as long as `use` takes, with what is known of the run that they are of.
   */
  async bring<Used>(
    uri: string,
    use: (directory: string, training: JsonObject) => Promise<Used>,
  ): Promise<Used> {
    const { client, directory } = this.#deps;
    const place = createHash('sha256').update(uri).digest('hex').slice(0, 16);
    const incoming = path.join(directory, 'incoming', place);
    const files = path.join(incoming, path.posix.basename(uri.replace(/\/+$/, '')) || 'model');
    await this.#download(uri, await sourceOf(client, uri, null), files);
    try {
      return await use(files, await this.#training(uri, await runOf(client, uri)));
    } finally {
      await rm(incoming, { recursive: true, force: true });
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
    const { client, directory } = this.#deps;
    const number = String(version.number);
    const facts = await client.version(version.model, number);
    if (facts.status !== 'READY') {
      const reason = facts.status_message ?? '';
      throw new AppError(
        'MODEL_UNREADABLE',
        `MLflow says that the version is ${facts.status}. ${reason}`.trim(),
      );
    }
    const place = `${encodeURIComponent(version.model)}-${number}-${version.createdAt}`;
    const incoming = path.join(directory, 'incoming', place);
    const uri = await client.downloadUri(version.model, number);
    const source = await sourceOf(client, uri, facts.run_id || null);
    await this.#download(`${version.model}/${number}`, source, incoming);
    try {
      return await this.#complete(version, facts, incoming);
    } finally {
      // Whole files that are refused are as wrong the next time: what broke off is kept, and thrown before this.
      await rm(incoming, { recursive: true, force: true });
    }
  }

  async #complete(version: ModelVersion, facts: MlflowVersion, incoming: string): Promise<VersionArtifact> {
    const read = await readArtifact(incoming, { registry: 'mlflow', digest: null });
    requireDigest(facts, digestOf(read.files).digest);
    const files = await completeArtifact(read, this.#deps.runtime);
    const completed: ModelVersion = {
      ...version,
      ...digestOf(files),
      semver: version.semver ?? read.declaration.semver,
      flavor: read.flavor,
      metadata: {
        ...read.declaration.metadata,
        ...(facts.description && { description: facts.description }),
        ...(Object.keys(facts.tags).length > 0 && { tags: facts.tags }),
        ...(await this.#training(`${facts.name}/${facts.version}`, facts.run_id || null)),
      },
    };
    await this.#artifacts.write(completed, files);
    await this.#records.keepFetched(completed);
    await this.#evict(completed);
    return this.#artifacts.read(completed);
  }

  async #download(name: string, source: ArtifactSource, directory: string): Promise<void> {
    const { cacheBytes, clock, logger } = this.#deps;
    await mkdir(directory, { recursive: true });
    const startedAt = clock.elapsed();
    let saidAt = startedAt;
    await download(source, directory, cacheBytes, (done, total) => {
      if (clock.elapsed() - saidAt < PROGRESS_MS) return;
      saidAt = clock.elapsed();
      logger.info(`${name}: ${done} of ${total ?? 'unknown'} bytes`, { 'event.action': 'version.download' });
    });
    logger.info(`${name} is downloaded`, {
      'event.action': 'version.downloaded',
      'event.duration': Math.round((clock.elapsed() - startedAt) * 1e6),
    });
  }

  /** What MLflow knows of the training: the run's metrics and parameters. */
  async #training(name: string, runId: string | null): Promise<JsonObject> {
    if (runId === null) return {};
    try {
      const { metrics, params } = (await this.#deps.client.run(runId)).data;
      return {
        run_id: runId,
        metrics: Object.fromEntries(metrics.map(({ key, value }) => [key, value])),
        params: Object.fromEntries(params.map(({ key, value }) => [key, value])),
      };
    } catch (error) {
      this.#deps.logger.warn(`The run of ${name} cannot be read: its metrics are left out`, { error });
      return { run_id: runId };
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

function bytesOf(files: ModelVersion['files']): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
