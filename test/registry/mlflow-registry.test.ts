import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { completeArtifact } from '../../src/models/registry/artifacts/complete-artifact.ts';
import { digestOf, readArtifact } from '../../src/models/registry/artifacts/read-artifact.ts';
import { MlflowClient } from '../../src/models/registry/mlflow/mlflow-client.ts';
import { MlflowRegistry } from '../../src/models/registry/mlflow/mlflow-registry.ts';
import { openNativeSession } from '../../src/models/runtimes/onnx/native-session.ts';
import { OnnxRuntime } from '../../src/models/runtimes/onnx/onnx-runtime.ts';
import { describeRegistry } from '../contract/registry-suite.ts';
import { type MlflowProcess, startMlflow } from '../support/mlflow-server.ts';
import { modelFile } from '../support/model-files.ts';
import { aVersion } from '../support/serving-fakes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** `MLFLOW_PYTHON` is the interpreter of the environment that `npm test` makes. */
const python = process.env['MLFLOW_PYTHON'] ?? 'python3';
const runtime = new OnnxRuntime(openNativeSession);
let server: MlflowProcess;
let client: MlflowClient;
afterAll(async () => {
  await client.close();
  await server.stop();
});

describeRegistry(async () => {
  const folder = temporaryFolder('mlflow');
  mkdirSync(path.join(folder, 'server'));
  server = await startMlflow(python, path.join(folder, 'server'));
  const { url } = server;
  client = new MlflowClient({
    url,
    token: undefined,
    username: undefined,
    password: undefined,
    caFile: undefined,
  });
  const registry = new MlflowRegistry({
    client,
    directory: path.join(folder, 'cache'),
    cacheBytes: 1e9,
    maxAgeMs: 0,
    runtime,
    clock: systemClock,
    logger: silentLogger,
  });
  return {
    registry,
    scheme: 'models',
    async addVersion(name, content, semver = undefined) {
      const read = await readArtifact(modelFile(content));
      const files = await completeArtifact(read, runtime);
      const version = aVersion({ model: name, semver: semver ?? null, number: content, ...digestOf(files) });
      const artifact = { ...read, files };
      return registry.push({ version, artifact }, name, () => undefined);
    },
  };
});
