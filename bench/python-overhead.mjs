import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundle, ensureVenv, root } from '../scripts/steps.mjs';

/**
 * What a row costs in a Python worker over the bare `predict` of its model: medians of one call at a time, in Python and
 * by the runtime's `run`. `node bench/python-overhead.mjs [folder of slipway_worker]`
 */
const CALLS = 3_000;
const packageDirectory = process.argv[2] ?? path.join(root, 'python/worker');

const { python } = await ensureVenv('models', path.join(root, 'test/models/requirements.txt'));
if (python === null) throw new Error('no Python 3.11 to measure with');
const { PythonRuntime } = await import(
  await bundle('src/models/runtimes/python/python-runtime.ts', 'python-runtime.mjs')
);
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-overhead-'));
try {
  const bare = JSON.parse(
    execFileSync(python, [path.join(root, 'bench/python_overhead.py'), folder, String(CALLS)], {
      encoding: 'utf8',
      env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
    }),
  );
  for (const { name, row, bare_ms: bareMs } of bare) {
    const runMs = await measure(name, row);
    const overhead = runMs - bareMs;
    process.stdout.write(
      `${name.padEnd(24)} bare ${bareMs.toFixed(3)} ms   run ${runMs.toFixed(3)} ms   overhead ${overhead.toFixed(3)} ms\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(name, row) {
  const runtime = new PythonRuntime(
    {
      packageDirectory,
      temporaryDirectory: folder,
      workers: 1,
      memoryBytes: null,
      startTimeoutMs: 60_000,
      deadlineMs: 60_000,
      stopGraceMs: 1_000,
      serverVariables: process.env,
      interpreterFor: async () => ({ python }),
    },
    { info() {}, debug() {}, warn() {}, error: console.error },
  );
  const model = await runtime.load({
    format: 'python',
    flavor: 'joblib',
    entry: 'model.joblib',
    files: new Map([['model.joblib', readFileSync(path.join(folder, `${name}.joblib`))]]),
    declared: { inputs: null, outputs: null, params: [], task: null, labels: null, positiveLabel: null },
    origin: { registry: 'embedded', digest: null },
  });
  try {
    const times = [];
    for (let call = 0; call < CALLS; call++) {
      const start = performance.now();
      await model.run([row]);
      times.push(performance.now() - start);
    }
    return median(times.slice(CALLS / 10));
  } finally {
    await model.release();
  }
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}
