import path from 'node:path';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { MlflowClient } from '../models/registry/mlflow/mlflow-client.ts';
import { MlflowRegistry } from '../models/registry/mlflow/mlflow-registry.ts';
import type { Runtime } from '../models/runtimes/runtime.ts';
import type { Paths } from './paths.ts';

export interface MlflowParts {
  readonly client: MlflowClient;
  readonly registry: MlflowRegistry;
}

/** The registry of the MLflow server that is configured; null when none is. */
export function openMlflow(
  config: Config,
  paths: Paths,
  cwd: string,
  runtime: Runtime,
  logger: Logger,
): MlflowParts | null {
  const { mlflow, poll_interval_ms } = config.registry;
  if (mlflow.url === undefined) return null;
  const { url, token, username, password } = mlflow;
  const caFile = mlflow.ca_file === undefined ? undefined : path.resolve(cwd, mlflow.ca_file);
  const client = new MlflowClient({ url, token, username, password, caFile });
  const registry = new MlflowRegistry({
    client,
    directory: path.join(paths.data, 'mlflow', new URL(url).host.replace(/[^A-Za-z0-9.-]/g, '_')),
    cacheBytes: mlflow.cache_bytes,
    maxAgeMs: poll_interval_ms,
    runtime,
    clock: systemClock,
    logger,
  });
  return { client, registry };
}
