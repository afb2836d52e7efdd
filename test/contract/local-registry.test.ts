import path from 'node:path';
import { afterAll } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { LocalRegistry } from '../../src/models/registry/local/local-registry.ts';
import { openNativeSession } from '../../src/models/runtimes/onnx/native-session.ts';
import { OnnxRuntime } from '../../src/models/runtimes/onnx/onnx-runtime.ts';
import { openStore, type Store } from '../../src/storage/open-store.ts';
import { KyselyModelStore } from '../../src/storage/registry/kysely-model-store.ts';
import { modelFile } from '../support/model-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeRegistry } from './registry-suite.ts';

const stores: Store[] = [];
afterAll(async () => {
  for (const store of stores.splice(0)) await store.close();
});

describeRegistry(async () => {
  const folder = temporaryFolder('registry');
  const store = await openStore({ url: `sqlite:${path.join(folder, 'store.db')}` }, silentLogger);
  stores.push(store);
  const registry = new LocalRegistry({
    directory: path.join(folder, 'registry'),
    store: new KyselyModelStore(store.database),
    runtime: new OnnxRuntime(openNativeSession),
    clock: systemClock,
  });
  return {
    registry,
    scheme: 'name',
    addVersion: async (name, content, semver) =>
      (
        await registry.register({
          location: modelFile(content),
          name,
          ...(semver !== undefined && { semver }),
        })
      ).version,
  };
});
