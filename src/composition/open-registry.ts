import { mkdir } from 'node:fs/promises';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Converter } from '../models/conversion/converter.ts';
import { LocalRegistry } from '../models/registry/local/local-registry.ts';
import type { MlflowRegistry } from '../models/registry/mlflow/mlflow-registry.ts';
import { type EditableRegistry, RegistryRouter } from '../models/registry/registry-router.ts';
import type { Runtime } from '../models/runtimes/runtime.ts';
import { openStore, type Store } from '../storage/open-store.ts';
import { KyselyModelStore } from '../storage/registry/kysely-model-store.ts';
import { openMlflow } from './mlflow-parts.ts';
import { openRuntimes } from './open-runtimes.ts';
import type { Paths } from './paths.ts';

/** The store holds raw inputs. */
const PRIVATE = 0o750;

export interface RegistrySession {
  /** Both registries as one. */
  readonly registry: EditableRegistry;
  readonly embedded: LocalRegistry;
  readonly mlflow: MlflowRegistry | null;
  readonly runtime: Runtime;
  readonly store: Store;
  /** What makes ONNX graphs of models that run in Python. */
  openConverter(): Promise<Converter>;
  close(): Promise<void>;
}

/** The embedded registry on the configured store, migrated and ready, and MLflow's where one is configured. */
export async function openRegistry(
  config: Config,
  paths: Paths,
  cwd: string,
  logger: Logger,
): Promise<RegistrySession> {
  await mkdir(paths.data, { recursive: true, mode: PRIVATE });
  const store = await openStore({ url: paths.storeUrl }, logger);
  const runtime = openRuntimes(config, paths, logger);
  const embedded = new LocalRegistry({
    directory: paths.registry,
    store: new KyselyModelStore(store.database),
    runtime,
    clock: systemClock,
  });
  const mlflow = openMlflow(config, paths, cwd, runtime, logger);
  return {
    registry: new RegistryRouter(embedded, mlflow?.registry ?? null),
    embedded,
    mlflow: mlflow?.registry ?? null,
    runtime,
    store,
    openConverter: async () => (await import('./open-python.ts')).openConverter(config, paths, logger),
    async close() {
      await mlflow?.client.close();
      await store.close();
    },
  };
}
