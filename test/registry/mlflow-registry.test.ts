import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { digestOf } from '../../src/models/digest.ts';
import type { ModelVersion } from '../../src/models/model-version.ts';
import { completeArtifact } from '../../src/models/registry/artifacts/complete-artifact.ts';
import { readArtifact } from '../../src/models/registry/artifacts/read-artifact.ts';
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
const folder = temporaryFolder('mlflow');
let server: MlflowProcess;
let client: MlflowClient;

beforeAll(async () => {
  server = await startMlflow(python, folder);
  const nobody = { token: undefined, username: undefined, password: undefined, caFile: undefined };
  client = new MlflowClient({ url: server.url, ...nobody });
});

afterAll(async () => {
  await client?.close();
  await server?.stop();
});

function openRegistry(directory: string, cacheBytes: number): MlflowRegistry {
  return new MlflowRegistry({
    client,
    directory,
    cacheBytes,
    maxAgeMs: 0,
    runtime,
    clock: systemClock,
    logger: silentLogger,
  });
}

async function push(registry: MlflowRegistry, name: string, content: number, semver?: string) {
  const read = await readArtifact(modelFile(content), { registry: 'mlflow', digest: null });
  const files = await completeArtifact(read, runtime);
  const version = aVersion({ model: name, semver: semver ?? null, number: content, ...digestOf(files) });
  return registry.push({ version, artifact: { ...read, files } }, name, () => undefined);
}

describeRegistry(async () => {
  const registry = openRegistry(path.join(folder, 'cache'), 1e9);
  return {
    registry,
    scheme: 'models',
    addVersion: (name, content, semver) => push(registry, name, content, semver),
  };
});

it('keeps no more than there is room for: what was used longest ago goes', async () => {
  const writer = openRegistry(path.join(folder, 'unused'), 1e9);
  const made = [];
  for (const content of [1, 2, 3]) made.push(await push(writer, 'bounded', content));
  const sizes: number[] = [];
  for (const version of made) {
    const { files } = (await writer.fetch(version)).version;
    sizes.push(files.reduce((sum, { bytes }) => sum + bytes, 0));
  }
  const [one, two, three] = sizes as [number, number, number];
  const directory = path.join(folder, 'bounded');
  const registry = openRegistry(directory, Math.max(one + three, two + three, one + two) + 1);
  const [first, second, third] = made as [ModelVersion, ModelVersion, ModelVersion];
  await registry.fetch(first);
  await registry.fetch(second);
  await registry.fetch(first);
  await registry.fetch(third);
  expect(readdirSync(path.join(directory, 'versions/bounded')).sort()).toEqual(['1.json', '3.json']);
  expect(readdirSync(path.join(directory, 'artifacts/bounded'))).toHaveLength(2);
  expect((await registry.fetch(second)).version.number).toBe(2);
});
