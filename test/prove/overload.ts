import { SALES_MODEL, startServer } from '../support/server.ts';
import { createClient, type Reply } from './client.ts';
import { salesRow } from './load.ts';
import { eachOf, type Held, inTemporaryDirectory, none, progress, seeded, until } from './proof.ts';

const BATCH = 2_000;
const REQUESTS = 400;
const CALLERS = 48;
const WELL_AFTER_MS = 2_000;

/** A queue and a deadline far too small for what comes. */
export async function proveOverload(): Promise<readonly Held[]> {
  return [
    ...(await overloaded('queue of 300 rows', { max_queue_rows: 300, deadline_ms: 10_000 })),
    ...(await overloaded('deadline of 5 ms', { max_queue_rows: 100_000, deadline_ms: 5 })),
    ...(await overloaded('both', { max_queue_rows: 300, deadline_ms: 20 })),
  ];
}

function overloaded(name: string, serving: object): Promise<readonly Held[]> {
  return inTemporaryDirectory(async (directory) => {
    const server = await startServer({ directory, model: SALES_MODEL, config: { serving } });
    const client = createClient(server.url, { connections: CALLERS });
    const random = seeded(11);
    const batch = { instances: Array.from({ length: BATCH }, () => salesRow(random)) };
    const found = new Map<string, number>();
    const wrong: string[] = [];
    const hidden: string[] = [];
    let slowestMs = 0;
    await eachOf(Array.from({ length: REQUESTS }), CALLERS, async (_, number) => {
      const isSingle = number % 2 === 0;
      const start = performance.now();
      const reply = isSingle
        ? await client.post('/predict', { features: salesRow(random) })
        : await client.post('/predict/batch', batch);
      slowestMs = Math.max(slowestMs, performance.now() - start);
      const outcome = outcomeOf(reply);
      found.set(outcome, (found.get(outcome) ?? 0) + 1);
      if (!isHonest(reply)) wrong.push(`${outcome} ${reply.text.slice(0, 200)}`);
      if (outcome.startsWith('200 with all')) hidden.push(`${outcome} ${reply.text.slice(0, 150)}`);
    });
    progress(`${name}: ${JSON.stringify([...found])}, slowest ${slowestMs.toFixed(0)} ms`);
    const wellAfterMs = await until(
      async () => (await client.post('/predict', { features: salesRow(random) })).status === 200,
      WELL_AFTER_MS,
    );
    const health = (await client.get('/health')).json<{ status: string }>().status;
    client.close();
    const exit = await server.terminate();
    const refused = [...found].filter(([outcome]) => /503|504/.test(outcome)).map(([, count]) => count);
    const figures = [...found].map(([outcome, count]) => `${count} × ${outcome}`).join(', ');
    return [
      none(`overload, ${name}: answers other than 200, 503 with Retry-After and 504`, wrong, figures),
      none(`overload, ${name}: batches of which nothing was tried, answered with 200`, hidden, figures),
      {
        bar: `overload, ${name}: the bound is felt, nobody hangs, and the server is well after`,
        figure: `slowest ${slowestMs.toFixed(0)} ms, answers again after ${wellAfterMs?.toFixed(0)} ms, health ${health}, exit ${exit.code}`,
        held:
          refused.length > 0 &&
          slowestMs < 20_000 &&
          wellAfterMs !== null &&
          health === 'ok' &&
          exit.code === 0,
      },
    ];
  });
}

function outcomeOf(reply: Reply): string {
  if (reply.status !== 200) return String(reply.status);
  const { predictions, failed } = reply.json<{
    predictions?: { error?: { status: number } }[];
    failed?: number;
  }>();
  if (predictions === undefined || failed === 0) return '200';
  const statuses = new Set(predictions.flatMap(({ error }) => (error === undefined ? [] : [error.status])));
  return `200 with ${failed === predictions.length ? 'all' : 'some'} rows ${[...statuses].join(' and ')}`;
}

function isHonest(reply: Reply): boolean {
  if (reply.status === 200) return true;
  if (reply.headers['content-type']?.startsWith('application/problem+json') !== true) return false;
  return reply.status === 504 || (reply.status === 503 && Number(reply.headers['retry-after']) >= 1);
}
