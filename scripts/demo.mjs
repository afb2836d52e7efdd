import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
  ensureBuilt,
  ensureInstalled,
  ensureVenv,
  filesBelow,
  hashOf,
  root,
  run,
  whenChanged,
} from './steps.mjs';

/**
 * The main job on a fresh clone: install, build, register the example models, serve them, predict. The pickle among them is
 * served where there is a Python. `--once` ends after the predictions. State lies in .cache/demo, so a second start finds
 * the models registered.
 */
const EXAMPLES = [
  {
    folder: 'sales-quantity',
    endpoint: 'sales-quantity-classifier',
    title: 'Grocery lines that the model has not seen: how many units?',
    path: '/predict',
    line: ({ features }, answer) =>
      `${features.product_type.padEnd(28)} ${features.unit_price.toFixed(2).padStart(6)} $  →  ` +
      `${answer.prediction.padEnd(7)} ${percent(answer.confidence)} sure`,
  },
  {
    folder: 'credit-risk',
    endpoint: 'credit-risk-classifier',
    title: 'Loan applications of a later half-year: repaid or default?',
    path: '/models/credit-risk-classifier/predict',
    line: ({ features }, answer) =>
      `${features.loan_purpose.padEnd(20)} ${features.loan_amount.toFixed(0).padStart(6)} €, score ${String(features.credit_score ?? 'none').padStart(4)}  →  ` +
      `${answer.prediction.padEnd(7)} ${percent(answer.probability)} default`,
  },
  {
    folder: 'translation-en-hi',
    endpoint: 'translation-en-hi',
    title: 'English phrases, in Hindi:',
    path: '/models/translation-en-hi/predict',
    first: [{ features: { text: 'hello' }, actual: 'नमस्ते' }],
    line: ({ features }, answer) => `${features.text.padEnd(28)} →  ${answer.translation}`,
  },
  {
    folder: 'delivery-date',
    endpoint: 'delivery-date',
    title: 'Orders of a later year, by the pickle of a notebook: days until they arrive?',
    path: '/models/delivery-date/predict',
    needsPython: true,
    line: ({ features }, answer) =>
      `to ${features.zip_code} by ${features.carrier.padEnd(12)}        →  ${answer.prediction.toFixed(1)} days`,
  },
];
const DEMO = path.join(root, '.cache/demo');
const CLI = path.join(root, 'dist/bin.js');
const PREFERRED_PORT = 8000;
const ROWS = 3;

if (process.argv.includes('--help')) {
  process.stdout.write(
    'Usage: npm run demo [-- --once]\n\nServes the example models and predicts.\n  --once  end after the predictions\n\nExample:\n  $ npm run demo -- --once\n',
  );
  process.exit(0);
}

await ensureInstalled();
await ensureBuilt();
const { python, reason } = await ensureVenv(
  'delivery-model',
  path.join(root, 'examples/delivery-date/model/requirements.txt'),
);
const examples = EXAMPLES.filter(({ needsPython }) => python !== null || !needsPython);
if (python === null) process.stdout.write(`Without the pickle of examples/delivery-date: ${reason}\n`);
const modelOf = ({ folder }) => path.join(root, 'examples', folder, 'model');
// Models that are registered from an older state of the clone go, with the traffic that they answered.
await whenChanged(
  'demo',
  hashOf([path.join(root, 'dist/bin.js'), ...examples.flatMap((example) => filesBelow(modelOf(example)))]),
  () => existsSync(DEMO),
  registerAll,
);
const config = {
  endpoints: Object.fromEntries(
    examples.map(({ endpoint }) => [endpoint, { model: `${endpoint}@production` }]),
  ),
  default_endpoint: examples[0].endpoint,
  ...(python !== null && { python: { interpreter: python, trusted: ['embedded'] } }),
};
writeFileSync(path.join(DEMO, 'slipway.yaml'), `${JSON.stringify(config, null, 2)}\n`);

const port = (await isFree(PREFERRED_PORT)) ? PREFERRED_PORT : 0;
if (port === 0) process.stdout.write(`Port ${PREFERRED_PORT} is taken; taking a free one.\n`);
const server = spawn(process.execPath, [CLI, 'serve', '--port', String(port), '--json'], {
  cwd: DEMO,
  stdio: ['ignore', 'pipe', 'inherit'],
});
// Who reads no further, as `| head`, ends the demo.
process.stdout.on('error', () => server.kill('SIGTERM'));
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

async function registerAll() {
  rmSync(DEMO, { recursive: true, force: true });
  mkdirSync(DEMO, { recursive: true });
  for (const example of examples) {
    const trust = example.needsPython ? ['--trust'] : [];
    const registered = await run(
      process.execPath,
      [CLI, 'models', 'register', modelOf(example), '--alias', 'production', ...trust],
      { quiet: true, cwd: DEMO, env: python === null ? {} : { SLIPWAY_PYTHON_INTERPRETER: python } },
    );
    process.stdout.write(registered.output);
    if (registered.code !== 0) process.exit(registered.code);
  }
}

async function show(up) {
  process.stdout.write(`\nServing on ${up.url}.\n`);
  const curls = [];
  for (const example of examples) curls.push(...(await predictRows(up.url, example)));
  process.stdout.write(
    `\nPaste these:\n${curls.map((curl) => `  ${curl}\n`).join('')}  curl -s ${up.url}/health\n` +
      `\nTraffic at a rate, with labels and drift:\n` +
      `  node examples/traffic.mjs credit-risk --url ${up.url} --endpoint credit-risk-classifier --feedback --drift income=scale:0.7\n` +
      `\nLook at:\n  ${up.url}/docs\n  ${up.url}/metrics\n  ${path.join(up.logs, 'predictions.log')}\n`,
  );
  if (!process.argv.includes('--once')) process.stdout.write('\nCtrl-C stops it.\n');
}

/** Predicts the first rows of an example, one by one and as a batch; answers with `curl` lines for the same. */
async function predictRows(url, { folder, title, path: route, line, first = [] }) {
  const traffic = readFileSync(path.join(root, 'examples', folder, 'traffic.jsonl'), 'utf8')
    .split('\n')
    .slice(0, ROWS)
    .map((text) => JSON.parse(text));
  const rows = [...first, ...traffic].slice(0, ROWS);
  process.stdout.write(`\n${title}\n`);
  let last = null;
  for (const row of rows) {
    last = await post(`${url}${route}`, { features: row.features });
    process.stdout.write(
      `  ${line(row, last)}, really ${String(row.actual).padEnd(7)} (${last.inference_time_ms} ms, version ${last.model_version})\n`,
    );
  }
  const batch = await post(`${url}${route}/batch`, { instances: rows.map((row) => row.features) });
  if (batch.failed !== 0 || batch.predictions.length !== ROWS)
    throw new Error(`the batch of ${folder} did not answer every row`);
  return [
    curlOf(`${url}${route}`, { features: rows[0].features }),
    curlOf(`${url}/feedback`, { prediction_id: last.prediction_id, actual: rows.at(-1).actual }),
  ];
}

function curlOf(url, body) {
  const text = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl -s ${url} -H 'content-type: application/json' -d '${text}'`;
}

function percent(share) {
  return `${(share * 100).toFixed(0).padStart(3)} %`;
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
