import { readFileSync, realpathSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * Sends the held-out rows of an example to a served model at a given rate, with drift and with labels on request. It
 * needs nothing but Node.js and the HTTP interface.
 */
const HELP = `Usage: node examples/traffic.mjs <example or file.jsonl> [options]

Sends rows to a served model and says what came back. The rows are lines of {"features": {...}, "actual": ...};
when they end they begin anew. It starts a request when its time has come, whether or not earlier ones are answered.

  --url <url>         the server (default http://127.0.0.1:8000)
  --endpoint <name>   the endpoint; without it the server's default one
  --rate <n>          requests a second (default 20)
  --seconds <n>       how long (default 10)
  --drift <change>    field=shift:<number>, field=scale:<number> or field=category:<text>; may be given more than once
  --drift-share <s>   share of the rows that drift, from 0 to 1 (default 1)
  --seed <n>          decides which rows drift (default 1)
  --feedback          sends the actual label back
  --key <text>        the API key
  --json              the summary as JSON

Examples:
  $ node examples/traffic.mjs sales-quantity --rate 50 --seconds 30 --feedback
  $ node examples/traffic.mjs credit-risk --endpoint credit-risk-classifier --drift income=scale:0.7 --drift region=category:R99
`;
const MOST_UNDER_WAY = 1000;
const TIMEOUT_MS = 30_000;

/** @typedef {{ features: Record<string, unknown>, actual: unknown }} Row */

/** A drift `field=shift:5000` as a function that changes the features of a row. */
export function readDrift(text) {
  const found = /^([^=]+)=(shift|scale|category):(.*)$/s.exec(text);
  if (found === null)
    throw new Error(`"${text}" is not a drift: write income=scale:0.7, age=shift:5 or region=category:R99`);
  const [, field, kind, by] = found;
  if (kind === 'category') return (features) => ({ ...features, [field]: by });
  const amount = Number(by);
  if (by === '' || !Number.isFinite(amount)) throw new Error(`"${text}": ${kind} needs a number`);
  return (features) => {
    const value = features[field];
    if (typeof value !== 'number') return features;
    const moved = kind === 'shift' ? value + amount : value * amount;
    return { ...features, [field]: Number.isInteger(value) ? Math.round(moved) : moved };
  };
}

/** The rows for ever, each with its drift. */
export function* driftingRows(rows, drifts, { share = 1, seed = 1 } = {}) {
  const random = seeded(seed);
  for (let i = 0; ; i = (i + 1) % rows.length) {
    const { features, actual } = rows[i];
    const drifted = drifts.length > 0 && random() < share;
    yield { features: drifted ? drifts.reduce((row, drift) => drift(row), features) : features, actual };
  }
}

/** Rows of an example of this folder, or of a file. */
export function readRows(source) {
  const isFile = /[./\\]/.test(source);
  const file = isFile ? source : path.join(import.meta.dirname, source, 'traffic.jsonl');
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** Sends at an even rate and answers with the summary; times are in milliseconds. */
export async function sendTraffic(rows, { url, endpoint, rate, seconds, feedback, key }) {
  const base = url.replace(/\/+$/, '');
  const predictUrl = `${base}${endpoint === undefined ? '' : `/models/${encodeURIComponent(endpoint)}`}/predict`;
  const post = poster(key);
  const summary = {
    sent: 0,
    not_sent: 0,
    statuses: {},
    feedback: {},
  };
  const times = [];
  const answers = [];
  const underWay = new Set();

  async function one({ features, actual }) {
    const begin = performance.now();
    const { status, json } = await post(predictUrl, { features });
    times.push(performance.now() - begin);
    count(summary.statuses, status);
    if (status !== 200) return;
    answers.push({ prediction: json.prediction, actual });
    if (!feedback || actual === undefined) return;
    const answer = await post(`${base}/feedback`, { prediction_id: json.prediction_id, actual });
    count(summary.feedback, answer.status);
  }

  const total = Math.round(rate * seconds);
  const begin = performance.now();
  for (const row of rows) {
    if (summary.sent + summary.not_sent === total) break;
    const wait = begin + ((summary.sent + summary.not_sent) * 1000) / rate - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    if (underWay.size >= MOST_UNDER_WAY) {
      summary.not_sent++;
      await new Promise(setImmediate);
      continue;
    }
    summary.sent++;
    const sending = one(row).finally(() => underWay.delete(sending));
    underWay.add(sending);
  }
  await Promise.all(underWay);
  post.close();
  times.sort((a, b) => a - b);
  return {
    ...summary,
    ...judge(answers),
    seconds: round((performance.now() - begin) / 1000),
    p50_ms: round(quantile(times, 0.5)),
    p99_ms: round(quantile(times, 0.99)),
  };
}

/** Posts JSON over kept connections; a failure to connect is a status of its own. */
function poster(key) {
  const agents = {
    'http:': new HttpAgent({ keepAlive: true }),
    'https:': new HttpsAgent({ keepAlive: true }),
  };
  const headers = {
    'content-type': 'application/json',
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  };
  function post(url, body) {
    const { protocol } = new URL(url);
    const request = protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve) => {
      const options = { method: 'POST', headers, agent: agents[protocol], timeout: TIMEOUT_MS };
      const outgoing = request(url, options, async (response) => {
        try {
          let text = '';
          for await (const chunk of response.setEncoding('utf8')) text += chunk;
          resolve({
            status: response.statusCode,
            json: response.statusCode === 200 ? JSON.parse(text) : null,
          });
        } catch (error) {
          resolve({ status: error.code ?? error.name, json: null });
        }
      });
      outgoing.on('timeout', () =>
        outgoing.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })),
      );
      outgoing.on('error', (error) => resolve({ status: error.code ?? error.name, json: null }));
      outgoing.end(JSON.stringify(body));
    });
  }
  post.close = () => {
    for (const agent of Object.values(agents)) agent.destroy();
  };
  return post;
}

function count(counts, name) {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** How many labels were right; or how far numbers are off on average, where some prediction is no whole number. */
function judge(answers) {
  const labelled = answers.filter(({ actual }) => actual !== undefined);
  const isMeasure = answers.some(({ prediction }) => typeof prediction === 'number' && prediction % 1 !== 0);
  const predictions = {};
  for (const { prediction } of answers) count(predictions, isMeasure ? 'number' : prediction);
  const errors = isMeasure ? labelled.map(({ prediction, actual }) => Math.abs(prediction - actual)) : [];
  return {
    predictions,
    right: labelled.filter(({ prediction, actual }) => prediction === actual).length,
    labelled: labelled.length,
    mean_absolute_error: errors.length === 0 ? null : round(errors.reduce((a, b) => a + b) / errors.length),
  };
}

function quantile(ascending, share) {
  if (ascending.length === 0) return null;
  return ascending[Math.min(ascending.length - 1, Math.ceil(share * ascending.length) - 1)];
}

function round(number) {
  return number === null ? null : Math.round(number * 1000) / 1000;
}

/** mulberry32: the same numbers from 0 to 1 for a seed. */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function readOptions(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:8000' },
      endpoint: { type: 'string' },
      rate: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '10' },
      drift: { type: 'string', multiple: true, default: [] },
      'drift-share': { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      feedback: { type: 'boolean', default: false },
      key: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const positive = (name) => {
    const number = Number(values[name]);
    if (!(number > 0 && Number.isFinite(number))) throw new Error(`--${name} must be above 0`);
    return number;
  };
  const share = Number(values['drift-share']);
  if (!(share >= 0 && share <= 1)) throw new Error('--drift-share must be from 0 to 1');
  if (!values.help && positionals.length !== 1) throw new Error('give one example or file of rows');
  return {
    ...values,
    source: positionals[0],
    rate: positive('rate'),
    seconds: positive('seconds'),
    drifts: values.drift.map(readDrift),
    share,
    seed: Number(values.seed),
  };
}

function describe(summary) {
  const counted = (counts) =>
    Object.entries(counts)
      .map(([name, n]) => `${n} × ${name}`)
      .join(', ') || 'none';
  const lines = [
    `${summary.sent} sent in ${summary.seconds} s, ${summary.not_sent} held back`,
    `statuses: ${counted(summary.statuses)}`,
    `predictions: ${counted(summary.predictions)}; ${
      summary.mean_absolute_error === null
        ? `${summary.right} of ${summary.labelled} right`
        : `mean absolute error ${summary.mean_absolute_error}`
    }`,
    `p50 ${summary.p50_ms} ms, p99 ${summary.p99_ms} ms`,
  ];
  if (Object.keys(summary.feedback).length > 0) lines.push(`feedback: ${counted(summary.feedback)}`);
  return `${lines.join('\n')}\n`;
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const rows = driftingRows(readRows(options.source), options.drifts, options);
  const summary = await sendTraffic(rows, options);
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : describe(summary));
  if (Object.keys(summary.statuses).some((status) => status !== '200')) process.exitCode = 1;
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    process.stderr.write(`${error.message}\n\n${HELP}`);
    process.exitCode = 2;
  });
}
