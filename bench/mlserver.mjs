import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureVenv, root } from '../scripts/steps.mjs';
import { freePort, makeDirectory, startChild } from './children.mjs';
import { MODEL, whenAnswering } from './servers.mjs';

/** How MLServer answers most; without adaptive batching it answered a fifth to a third of it in a trial. */
export const CONFIGURATIONS = [
  { name: 'MLServer, 1 worker, adaptive batching', workers: 1 },
  { name: 'MLServer, no worker, adaptive batching', workers: 0 },
];
const BATCHING = { max_batch_size: 64, max_batch_time: 0.01 };

/** Answers with the Python that has MLServer, its scikit-learn runtime and its gRPC messages. */
export async function prepareMlserver() {
  const requirements = path.join(root, 'bench/requirements-mlserver.txt');
  const { python, reason } = await ensureVenv('mlserver', requirements);
  if (python === null) throw new Error(`MLServer needs Python: ${reason}`);
  return python;
}

/** The scikit-learn pipeline over REST and gRPC. */
export async function startMlserver({ name, workers }, { python, model, body, path: route }) {
  const directory = makeDirectory();
  const [port, grpcPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const settings = {
    debug: false,
    host: '127.0.0.1',
    http_port: port,
    grpc_port: grpcPort,
    metrics_port: metricsPort,
    parallel_workers: workers,
  };
  const modelSettings = {
    name: MODEL,
    implementation: 'mlserver_sklearn.SKLearnModel',
    parameters: { uri: path.join(model, 'model.joblib') },
    ...BATCHING,
  };
  mkdirSync(path.join(directory, MODEL));
  writeFileSync(path.join(directory, 'settings.json'), JSON.stringify(settings));
  writeFileSync(path.join(directory, MODEL, 'model-settings.json'), JSON.stringify(modelSettings));
  const child = startChild(path.join(path.dirname(python), 'mlserver'), ['start', directory], {
    cwd: directory,
    env: { OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' },
  });
  return whenAnswering({ name, port, grpcPort, child }, body, { path: route });
}
