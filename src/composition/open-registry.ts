import { mkdir } from 'node:fs/promises';
import { systemClock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { LocalRegistry } from '../models/registry/local/local-registry.ts';
import type { ModelStore } from '../models/registry/model-store.ts';
import { openNativeSession } from '../models/runtimes/onnx/native-session.ts';
import { OnnxRuntime } from '../models/runtimes/onnx/onnx-runtime.ts';
import type { Runtime } from '../models/runtimes/runtime.ts';
import { openStore, type Store } from '../storage/open-store.ts';
import { KyselyModelStore } from '../storage/registry/kysely-model-store.ts';
import type { Paths } from './paths.ts';

/** The store holds raw inputs. */
const PRIVATE = 0o750;

export interface RegistrySession {
  readonly registry: LocalRegistry;
  readonly models: ModelStore;
  readonly runtime: Runtime;
  readonly store: Store;
  close(): Promise<void>;
}

/** The embedded registry on the configured store, migrated and ready. */
export async function openRegistry(paths: Paths, logger: Logger): Promise<RegistrySession> {
  await mkdir(paths.data, { recursive: true, mode: PRIVATE });
  const store = await openStore({ url: paths.storeUrl }, logger);
  const models = new KyselyModelStore(store.database);
  const runtime = new OnnxRuntime(openNativeSession);
  const registry = new LocalRegistry({
    directory: paths.registry,
    store: models,
    runtime,
    clock: systemClock,
  });
  return { registry, models, runtime, store, close: () => store.close() };
}
