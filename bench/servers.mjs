import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../scripts/steps.mjs';
import { freePort, makeDirectory, runChild, startChild } from './children.mjs';
import { post } from './post.mjs';

/** The servers of the bench, each with its defaults for production, each in one process; mlserver.mjs has another. */
const SERVERS = path.join(root, 'bench/servers');
const START_MS = 60_000;
export const MODEL = 'bench';

/**
 * The forms in which the model is served: raw columns through a transform, raw columns into a graph that does everything
 * itself, and numbers that need neither.
 */
export const FORMS = {
  transform: { name: 'Slipway', model: 'matrix.onnx', transform: 'transform.json' },
  graph: { name: 'Slipway, all in the graph', model: 'model.onnx' },
  codes: { name: 'Slipway, numbers alone', model: 'codes.onnx' },
};

/** Slipway with all that it does by default: validation, prediction log, metrics, ingestion. */
export async function startSlipway(bench, options = {}) {
  const port = await freePort();
  const form = FORMS[options.form ?? 'transform'];
  const directory = options.directory ?? (await registerModel(bench, form));
  const grpcPort = options.grpc ? await freePort() : null;
  const grpc = grpcPort === null ? [] : ['--grpc-port', String(grpcPort)];
  const child = startChild(process.execPath, [bench.cli, 'serve', MODEL, '--port', String(port), ...grpc], {
    cwd: directory,
  });
  const [body] = form === FORMS.codes ? bench.codes : bench.bodies;
  return whenAnswering({ name: form.name, port, grpcPort, child }, body, options);
}

/** A directory whose registry holds the model. */
export async function registerModel({ cli, model }, form = FORMS.transform) {
  const directory = makeDirectory();
  const named = ['--name', MODEL, '--alias', 'production'];
  const transform = form.transform === undefined ? [] : ['--transform', path.join(model, form.transform)];
  const command = [cli, 'models', 'register', path.join(model, form.model), ...named, ...transform];
  await runChild(process.execPath, command, { cwd: directory });
  return directory;
}

/** `answer` is what it says to everything: one of Slipway's, so that both send as many bytes. */
export async function startFastify(bench, answer) {
  const port = await freePort();
  const child = startChild(
    process.execPath,
    [path.join(SERVERS, 'fastify-constant.mjs'), String(port), JSON.stringify(answer)],
    { cwd: makeDirectory() },
  );
  return whenAnswering({ name: 'Fastify constant', port, child }, bench.bodies[0]);
}

export function startFastApiOnnx(bench) {
  return startUvicorn('FastAPI + onnxruntime', 'fastapi_onnx:app', bench);
}

export function startFastApiPandas(bench) {
  return startUvicorn('FastAPI + pandas + scikit-learn', 'fastapi_pandas:app', bench);
}

async function startUvicorn(name, app, bench) {
  const port = await freePort();
  const options = ['--app-dir', SERVERS, '--port', String(port), '--log-level', 'warning', '--no-access-log'];
  const child = startChild(bench.python, ['-m', 'uvicorn', app, ...options], {
    cwd: makeDirectory(),
    env: { BENCH_MODEL: bench.model, PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' },
  });
  return whenAnswering({ name, port, child }, bench.bodies[0]);
}

export async function whenAnswering(server, body, { path: route, pollMs = 50 } = {}) {
  const deadline = Date.now() + START_MS;
  while (server.child.isRunning() && Date.now() < deadline) {
    const answer = await post(server.port, body, route).catch(() => null);
    if (answer?.status === 200) return server;
    await sleep(pollMs);
  }
  throw new Error(`${server.name} did not start:\n${server.child.output()}`);
}
