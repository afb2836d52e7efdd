import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ensureBuilt, ensureInstalled, root, run } from './steps.mjs';

/**
 * The main job on a fresh clone: install, build, register the example model, serve it, predict. `--once` ends after
 * the predictions. State lies in .cache/demo, so a second start finds the model registered.
 */
const EXAMPLE = path.join(root, 'examples/sales-quantity');
const DEMO = path.join(root, '.cache/demo');
const CLI = path.join(root, 'dist/bin.js');
const PREFERRED_PORT = 8000;
const ROWS = 3;

if (process.argv.includes('--help')) {
  process.stdout.write(
    'Usage: npm run demo [-- --once]\n\nServes the example model and predicts.\n  --once  end after the predictions\n\nExample:\n  $ npm run demo -- --once\n',
  );
  process.exit(0);
}

await ensureInstalled();
await ensureBuilt();
mkdirSync(DEMO, { recursive: true });
const registered = await run(
  process.execPath,
  [CLI, 'models', 'register', path.join(EXAMPLE, 'model'), '--alias', 'production'],
  { quiet: true, cwd: DEMO },
);
process.stdout.write(registered.output);
if (registered.code !== 0) process.exit(registered.code);

const port = (await isFree(PREFERRED_PORT)) ? PREFERRED_PORT : 0;
if (port === 0) process.stdout.write(`Port ${PREFERRED_PORT} is taken; taking a free one.\n`);
const server = spawn(
  process.execPath,
  [CLI, 'serve', 'sales-quantity-classifier@production', '--port', String(port), '--json'],
  {
    cwd: DEMO,
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill('SIGTERM'));
server.on('exit', (code) => process.exit(process.exitCode ?? code ?? 1));

createInterface({ input: server.stdout }).once('line', async (line) => {
  try {
    await show(JSON.parse(line));
  } catch (error) {
    process.stderr.write(`The demo failed: ${error.message}\n`);
    process.exitCode = 1;
    server.kill('SIGTERM');
    return;
  }
  if (process.argv.includes('--once')) server.kill('SIGTERM');
});

async function show(up) {
  const traffic = readFileSync(path.join(EXAMPLE, 'traffic.jsonl'), 'utf8')
    .split('\n')
    .slice(0, ROWS)
    .map((text) => JSON.parse(text));
  process.stdout.write(`\nServing on ${up.url}. Real grocery rows that the model has not seen:\n`);
  let last = null;
  for (const { features, actual } of traffic) {
    last = await post(`${up.url}/predict`, { features });
    process.stdout.write(
      `  ${features.product_type.padEnd(24)} ${String(features.unit_price).padStart(6)} $  →  ${last.prediction.padEnd(7)}` +
        ` ${(last.confidence * 100).toFixed(0).padStart(3)} % sure, really ${actual.padEnd(6)} (${last.inference_time_ms} ms, version ${last.model_version})\n`,
    );
  }
  const batch = await post(`${up.url}/predict/batch`, { instances: traffic.map((row) => row.features) });
  if (batch.failed !== 0 || batch.predictions.length !== ROWS)
    throw new Error('the batch did not answer every row');
  const body = JSON.stringify({ features: traffic[0].features }).replaceAll("'", "'\\''");
  process.stdout.write(
    `\nPaste these:\n  curl -s ${up.url}/predict -H 'content-type: application/json' -d '${body}'\n` +
      `  curl -s ${up.url}/feedback -H 'content-type: application/json' -d '{"prediction_id":"${last.prediction_id}","actual":"${traffic.at(-1).actual}"}'\n` +
      `  curl -s ${up.url}/health\n` +
      `\nLook at:\n  ${up.url}/docs\n  ${up.url}/metrics\n  ${path.join(up.logs, 'predictions.log')}\n`,
  );
  if (!process.argv.includes('--once')) process.stdout.write('\nCtrl-C stops it.\n');
}

/** One connection a request: a kept one would hold up the end of the server. */
function post(url, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: 'POST', agent: false, headers: { 'content-type': 'application/json' } },
      async (response) => {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${url} answered ${response.statusCode}: ${text}`));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}

function isFree(wanted) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
