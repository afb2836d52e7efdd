import path from 'node:path';
import { defaultEndpointOf } from '../config/load-config.ts';
import type { Config } from '../config/schema.ts';
import { statusOf } from '../http/status.ts';
import { systemClock } from '../kernel/clock.ts';
import { AppError, asAppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { isArtifactUri, isModelLocation, isRemoteUrl } from '../models/model-reference.ts';
import type { ModelVersion } from '../models/model-version.ts';
import type { Registered } from '../models/registry/registry.ts';
import { OnnxRuntime } from '../models/runtimes/onnx/onnx-runtime.ts';
import type { ThreadSessions } from '../models/runtimes/onnx/thread-sessions.ts';
import { Fleet } from '../serving/fleet.ts';
import { Follower } from '../serving/follower.ts';
import { compileRedaction } from '../serving/prediction-log/redaction.ts';
import { SegmentLog } from '../serving/prediction-log/segment-log.ts';
import { type LoadDependencies, loadVersion } from '../serving/served-version.ts';
import type { ServingMeter } from '../serving/serving-meter.ts';
import { VersionPool } from '../serving/version-pool.ts';
import { createLastServedFiles } from './last-served-files.ts';
import type { RegistrySession } from './open-registry.ts';
import type { Paths } from './paths.ts';
import { registerLocation } from './register-location.ts';
import { VERSION } from './version.ts';

export function openPredictionLog(config: Config, paths: Paths, logger: Logger): SegmentLog {
  const settings = config.prediction_log;
  const log = new SegmentLog(
    {
      directory: paths.logs,
      segmentBytes: settings.segment_bytes,
      fsync: settings.fsync,
      fsyncIntervalMs: settings.fsync_interval_ms,
      serviceVersion: VERSION,
    },
    systemClock,
    logger,
  );
  log.open();
  return log;
}

/** Told of a path that an endpoint names: which version it is, and whether it was registered just now. */
export type OnRegistered = (path: string, version: string, created: boolean) => void;

/** What endpoints serve: references to versions, and why there is none for some. */
export interface Located {
  readonly references: ReadonlyMap<string, string>;
  readonly refusals: ReadonlyMap<string, AppError>;
}

/**
 * An endpoint may name a file or directory, or a place on the MLflow server: it is registered, unless it is already, and
 * served by its number. What was brought from a place on the server is not brought again. What is refused keeps no other
 * endpoint from being served; where all are, fails with why the first is.
 */
export async function registerPaths(
  config: Config,
  cwd: string,
  session: RegistrySession,
  onRegistered: OnRegistered | undefined,
): Promise<Located> {
  const references = new Map<string, string>();
  const refusals = new Map<string, AppError>();
  for (const [name, endpoint] of Object.entries(config.endpoints)) {
    const location = endpoint.model;
    if (!isModelLocation(location)) {
      references.set(name, location);
      continue;
    }
    try {
      const { version, created } = await registeredFrom(location, cwd, session);
      references.set(name, `${version.model}/${version.number}`);
      onRegistered?.(location, `${version.model}/${version.number}`, created);
    } catch (error) {
      refusals.set(name, asAppError(error));
    }
  }
  const [first] = refusals.values();
  if (first !== undefined && references.size === 0) throw first;
  return { references, refusals };
}

async function registeredFrom(location: string, cwd: string, session: RegistrySession): Promise<Registered> {
  const known = isArtifactUri(location) ? await broughtFrom(location, session) : null;
  if (known !== null) return { version: known, created: false };
  try {
    return await registerLocation(session, cwd, { location });
  } catch (error) {
    // A server that is away now is no reason not to start: its endpoint waits for it.
    const isAway = error instanceof AppError && error.code === 'REMOTE_FAILED';
    const version = isAway && isRemoteUrl(location) ? await broughtFrom(location, session) : null;
    if (version === null) throw error;
    return { version, created: false };
  }
}

/** The newest version that was registered from there. */
async function broughtFrom(uri: string, { embedded }: RegistrySession): Promise<ModelVersion | null> {
  const models = await embedded.listModels();
  const versions = models.flatMap((model) => model.versions).filter(({ source }) => source === uri);
  return versions.sort((a, b) => b.number - a.number)[0] ?? null;
}

export function createPool(
  config: Config,
  session: Pick<LoadDependencies, 'registry' | 'runtime'>,
  threads: ThreadSessions,
  meter: ServingMeter,
  logger: Logger,
): VersionPool {
  const { serving } = config;
  return new VersionPool({
    clock: systemClock,
    logger,
    onDemandVersions: serving.on_demand_versions,
    load: (version) =>
      loadVersion(version, {
        registry: session.registry,
        runtime: session.runtime,
        bulkRuntime: (onLost) => new OnnxRuntime((source) => threads.open(source, onLost)),
        clock: systemClock,
        logger,
        batching: {
          maxBatchRows: serving.max_batch_rows,
          maxQueueRows: serving.max_queue_rows,
          deadlineMs: serving.deadline_ms,
          retryLost: config.python.retry,
        },
        onRun: (ran, rows) => meter.run(ran, rows),
      }),
  });
}

export function createFollower(config: Config, fleet: Fleet, logger: Logger): Follower {
  return new Follower({
    endpoints: () => fleet.following(),
    pollMs: config.registry.poll_interval_ms,
    clock: systemClock,
    logger,
    random: Math.random,
  });
}

export function createFleet(
  config: Config,
  paths: Paths,
  { references, refusals }: Located,
  session: RegistrySession,
  pool: VersionPool,
  meter: ServingMeter,
  logger: Logger,
): Fleet {
  return new Fleet({
    registry: session.registry,
    pool,
    meter,
    logger,
    clock: systemClock,
    lastServed: createLastServedFiles(path.join(paths.data, 'endpoints'), logger),
    keepPrevious: config.registry.keep_previous,
    rollbackWindowMs: config.registry.rollback_window_ms,
    statusOf,
    defaultEndpoint: defaultEndpointOf(config) ?? null,
    endpoints: Object.entries(config.endpoints).map(([name, endpoint]) => ({
      name,
      reference: references.get(name) ?? endpoint.model,
      refusal: refusals.get(name) ?? null,
      required: endpoint.required,
      redact: compileRedaction(endpoint.redact, config.prediction_log.hash_key),
      redactedFields: Object.keys(endpoint.redact),
      onSignatureChange: endpoint.on_signature_change,
    })),
  });
}
