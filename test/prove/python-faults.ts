import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type BuiltServer, root, SALES_MODEL, startServer } from '../support/server.ts';
import { type Client, createClient, type Reply } from './client.ts';
import { salesRow } from './load.ts';
import { type Held, inTemporaryDirectory, none, progress, seeded, until } from './proof.ts';

const ROUNDS = 10;
const ROUND_MS = 3_000;
/** Requests a second to each endpoint that is not to notice. */
const RATE = 60;
const DEADLINE_MS = 1_500;
const MEMORY_BYTES = 700 * 1024 * 1024;
const RECOVERY_MS = 30_000;
const MOST_RATIO = 1.5;
const MOST_MORE_MS = 5;

/** What a model does, and what its caller may get for it. `isKilled`: its process goes, and /health or the log says why. */
const FAULTS = [
  { fault: 11, name: 'SIGKILL', statuses: [500, 504], isKilled: true },
  { fault: 12, name: 'hangs', statuses: [504], isKilled: true },
  { fault: 13, name: 'leaks to its limit', statuses: [500, 504], isKilled: false },
  { fault: 14, name: 'prints to stdout', statuses: [200], isKilled: false },
  { fault: 15, name: 'imports a missing module', statuses: [500], isKilled: false },
  { fault: 16, name: 'answers the wrong length', statuses: [500], isKilled: false },
  { fault: 17, name: 'exits', statuses: [500, 504], isKilled: true },
] as const;

/** Python models that misbehave beside others: what those notice, and what callers and operators are told. */
export function provePythonFaults(): Promise<readonly Held[]> {
  const python = process.env['PROVE_PYTHON'];
  if (python === undefined)
    return Promise.resolve([
      { bar: 'python faults', figure: 'SKIPPED: no Python environment (PROVE_PYTHON)', held: true },
    ]);
  return inTemporaryDirectory(async (directory) => {
    await promisify(execFile)(python, [path.join(root, 'test/prove/faulty_models.py'), directory]);
    const server = await startServer({
      directory,
      config: {
        default_endpoint: 'steady',
        endpoints: {
          steady: { model: path.join(root, SALES_MODEL) },
          fine: { model: './fine.pkl' },
          faulty: { model: './faulty.pkl' },
          absent: { model: './absent.pkl', required: false },
        },
        serving: { deadline_ms: DEADLINE_MS },
        python: { interpreter: python, trusted: ['embedded'], memory_limit_bytes: MEMORY_BYTES },
      },
    });
    const client = createClient(server.url, { connections: 64 });
    try {
      return await prove(server, client);
    } finally {
      client.close();
      await server.terminate();
    }
  });
}

async function prove(server: BuiltServer, client: Client): Promise<readonly Held[]> {
  const absent = await healthReason(client, 'absent');
  const p99s: { quiet: number; faulty: number }[] = [];
  const noticed: string[] = [];
  const wrong: string[] = [];
  const unsaid: string[] = [];
  await bystanders(client, noticed);
  for (let round = 0; round < ROUNDS; round++) {
    const kind = FAULTS[round % FAULTS.length] as (typeof FAULTS)[number];
    const quiet = await bystanders(client, noticed);
    const under = bystanders(client, noticed);
    // Awaited below; until then a failure must not end the process.
    under.catch(() => undefined);
    await sleep(ROUND_MS / 10);
    const asked = [
      { x: round, fault: kind.fault },
      ...Array.from({ length: 8 }, (_, i) => ({ x: i, fault: 0 })),
    ];
    const said = watchHealth(client, ROUND_MS);
    const replies = await Promise.all(asked.map((row) => client.post('/models/faulty/predict', row)));
    replies.forEach((reply, i) => {
      const fault =
        i === 0 ? faultOfCulprit(kind.statuses, reply) : faultOfNeighbour(asked[i]?.x ?? 0, reply);
      if (fault !== null) wrong.push(`${kind.name}: ${fault}`);
    });
    const faulty = await under;
    const saidInHealth = await said;
    p99s.push({ quiet, faulty });
    const isBack = await until(
      async () => (await client.post('/models/faulty/predict', { x: 2, fault: 0 })).status === 200,
      RECOVERY_MS,
    );
    if (isBack === null) wrong.push(`${kind.name}: the model did not come back`);
    if (kind.isKilled && saidInHealth === null) unsaid.push(`${kind.name}: nothing in /health`);
    progress(
      `${kind.name}: p99 of the others ${quiet.toFixed(1)} ms, then ${faulty.toFixed(1)} ms; ${saidInHealth ?? ''}`,
    );
  }
  const log = readFileSync(path.join(server.directory, 'logs/app.log'), 'utf8');
  for (const words of ['SIGKILL', 'memory', 'a_module_that_nobody_has', 'xxxxxxxxxx'])
    if (!log.includes(words)) unsaid.push(`the log does not say "${words}"`);
  if (absent?.includes('a_module_that_nobody_has') !== true)
    unsaid.push(`/health says of what cannot be loaded: ${absent}`);
  const quiet = median(p99s.map((each) => each.quiet));
  const faulty = median(p99s.map((each) => each.faulty));
  return [
    none(
      'python faults: what endpoints beside them noticed',
      noticed,
      `${ROUNDS} rounds of ${FAULTS.length} faults`,
    ),
    {
      bar: `python faults: median p99 beside them within ${MOST_RATIO} x or ${MOST_MORE_MS} ms`,
      figure: `${faulty.toFixed(2)} ms, ${quiet.toFixed(2)} ms without`,
      held: faulty <= quiet * MOST_RATIO || faulty <= quiet + MOST_MORE_MS,
    },
    none(
      'python faults: answers that are neither right nor a clear refusal',
      wrong,
      `${ROUNDS * 9} requests`,
    ),
    none('python faults: reasons that neither /health nor the log has', unsaid, `${ROUNDS} faults`),
  ];
}

/** Keeps two endpoints busy for a round and answers with the greater of their 99th percentiles, milliseconds. */
async function bystanders(client: Client, noticed: string[]): Promise<number> {
  const random = seeded(7);
  const latencies: Record<'steady' | 'fine', number[]> = { steady: [], fine: [] };
  const ask = async (name: 'steady' | 'fine', body: object): Promise<void> => {
    const startedAt = performance.now();
    const reply = await client.post(`/models/${name}/predict`, body);
    latencies[name].push(performance.now() - startedAt);
    if (reply.status !== 200) noticed.push(`${name}: ${reply.status} ${reply.text.slice(0, 100)}`);
  };
  const asked: Promise<void>[] = [];
  const until = performance.now() + ROUND_MS;
  while (performance.now() < until) {
    asked.push(ask('steady', salesRow(random)), ask('fine', { x: 4 }));
    await sleep(1000 / RATE);
  }
  await Promise.all(asked);
  return Math.max(percentile(latencies.steady, 0.99), percentile(latencies.fine, 0.99));
}

function faultOfCulprit(statuses: readonly number[], reply: Reply): string | null {
  if (!statuses.includes(reply.status)) return `the caller got ${reply.status} ${reply.text.slice(0, 200)}`;
  return reply.status === 200 || reply.json<{ code?: string }>().code !== undefined ? null : 'no code';
}

/** Rows that came with one that kills or hangs are answered, or told that it took too long. */
function faultOfNeighbour(x: number, reply: Reply): string | null {
  if (reply.status === 200 && reply.json<{ prediction: number }>().prediction === x * 2) return null;
  return [503, 504].includes(reply.status)
    ? null
    : `a neighbour got ${reply.status} ${reply.text.slice(0, 200)}`;
}

/** What /health says of the faulty model at any time of so many milliseconds; null when nothing. */
async function watchHealth(client: Client, forMs: number): Promise<string | null> {
  let said: string | null = null;
  await until(async () => {
    said = await healthReason(client, 'faulty');
    return said !== null;
  }, forMs);
  return said;
}

async function healthReason(client: Client, endpoint: string): Promise<string | null> {
  type Health = {
    models: Record<string, { reason: string | null; runtime: { reason: string | null } | null }>;
  };
  const { models } = (await client.get('/health')).json<Health>();
  const { reason, runtime } = models[endpoint] ?? { reason: null, runtime: null };
  return reason ?? runtime?.reason ?? null;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
