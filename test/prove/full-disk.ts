import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SALES_MODEL, startServer } from '../support/server.ts';
import { createClient, type Reply } from './client.ts';
import { compare, readLog, readStore, waitUntilIngested } from './evidence.ts';
import { salesRow, startLoad } from './load.ts';
import { type Held, inTemporaryDirectory, none, progress, seeded, until } from './proof.ts';

const DISK_MIB = 24;
const LEFT_BYTES = 600_000;

/** The log's disk runs full under load and is freed again, once refusing and once answering unlogged. */
export async function proveFullDisk(): Promise<readonly Held[]> {
  const reason = whyNoDisk();
  if (reason !== null) return [{ bar: 'full disk', figure: `SKIPPED: ${reason}`, held: true }];
  return [
    ...(await onSmallDisk((directory) => fillAndFree(directory, 'refuse'))),
    ...(await onSmallDisk((directory) => fillAndFree(directory, 'answer'))),
  ];
}

async function fillAndFree(directory: string, on_unwritable: 'refuse' | 'answer'): Promise<readonly Held[]> {
  const logs = path.join(directory, 'logs');
  const ballast = path.join(logs, 'ballast');
  const server = await startServer({
    directory,
    model: SALES_MODEL,
    config: { prediction_log: { on_unwritable } },
  });
  const client = createClient(server.url);
  const load = startLoad(server.url, { clients: 16, endWhenLost: false });
  await sleep(500);
  const { bavail, bsize } = statfsSync(logs);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - LEFT_BYTES));
  const isFull = async (): Promise<boolean> => load.result.refused.has(503) || load.result.unlogged.size > 0;
  const filledAfterMs = await until(isFull, 20_000);
  await sleep(1_500);
  const full = {
    health: (await client.get('/health')).json<{ status: string }>().status,
    ready: (await client.get('/health/ready')).status,
    live: (await client.get('/health/live')).status,
    metric: /^slipway_log_writable (\S+)/m.exec((await client.get('/metrics')).text)?.[1],
    feedback: (await client.post('/feedback', { id: 'x', actual: 1 })).status,
  };
  const { refused, refusals, lost, answered, unlogged } = await load.stop();
  progress(
    `${on_unwritable}: full after ${filledAfterMs} ms, ${JSON.stringify(full)}, ${unlogged.size} unlogged`,
  );

  rmSync(ballast);
  const isReady = async (): Promise<boolean> =>
    (await client.get('/health/ready')).status === 200 &&
    (await client.get('/health')).json<{ status: string }>().status === 'ok';
  const aloneMs = await until(isReady, 8_000);
  const again = await until(async () => {
    const reply = await client.post('/predict', { features: salesRow(seeded(1)) });
    const { prediction_id, logged } = reply.json<{ prediction_id: string; logged?: false }>();
    if (reply.status !== 200 || logged === false) return false;
    answered.add(prediction_id);
    return true;
  }, 8_000);
  const withTrafficMs = again === null ? null : await until(isReady, 2_000);
  const ingested = await waitUntilIngested(directory);
  client.close();
  const exit = await server.terminate();
  const log = readLog(logs);
  const { notLogged, notOnceStored } = compare(answered, log, readStore(directory));
  const wrong = [...refused.keys()].filter((status) => status !== 503).map(String);
  const malformed = refusals.filter((reply) => !isUnwritableProblem(reply)).map((reply) => reply.text);
  const name = `disk full, on_unwritable: ${on_unwritable}`;
  const expected =
    on_unwritable === 'refuse'
      ? full.ready === 503 && refused.has(503) && unlogged.size === 0
      : full.ready === 200 && unlogged.size > 0;
  return [
    none(`${name}: answers that promise a line that is not there`, notLogged, `${answered.size} ids`),
    none(
      `${name}: requests that got neither 200 nor a 503 problem with Retry-After`,
      [...wrong, ...malformed, ...lost.map((error) => error.message)],
      `${[...refused.values()].reduce((sum, count) => sum + count, 0)} refused, ${unlogged.size} unlogged answers`,
    ),
    {
      bar: `${name}: health is degraded, live, and ready says ${on_unwritable === 'refuse' ? 503 : 200}`,
      figure: JSON.stringify(full),
      held:
        expected &&
        full.health === 'degraded' &&
        full.live === 200 &&
        full.metric === '0' &&
        full.feedback === 503,
    },
    {
      bar: `${name}: ready and ok again after space is freed, without a restart and without traffic`,
      figure: `alone ${inMs(aloneMs)}, with one prediction ${inMs(withTrafficMs)}`,
      held: aloneMs !== null,
    },
    {
      bar: `${name}: everything logged is in the store exactly once, the process ends with 0`,
      figure: `${log.lines.size} lines, ${notOnceStored.length} wrong, ${log.segments} segments, ${log.torn} torn tails, ingested ${ingested}, exit ${exit.code}`,
      held: notOnceStored.length === 0 && ingested && exit.code === 0 && log.tornInside === 0,
    },
  ];
}

function inMs(ms: number | null): string {
  return ms === null ? 'never' : `${ms.toFixed(0)} ms`;
}

function isUnwritableProblem(reply: Reply): boolean {
  return (
    reply.headers['content-type']?.startsWith('application/problem+json') === true &&
    reply.headers['retry-after'] !== undefined &&
    reply.json<{ code: string }>().code === 'LOG_UNWRITABLE'
  );
}

function onSmallDisk(work: (directory: string) => Promise<readonly Held[]>): Promise<readonly Held[]> {
  return inTemporaryDirectory(async (directory) => {
    const logs = path.join(directory, 'logs');
    mkdirSync(logs);
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', logs]);
    if (status !== 0) throw new Error(`mount: ${stderr}`);
    try {
      return await work(directory);
    } finally {
      spawnSync('umount', ['-l', logs]);
    }
  });
}

function whyNoDisk(): string | null {
  if (process.platform !== 'linux') return 'a small disk is mounted as tmpfs, which is Linux';
  if (process.getuid?.() !== 0) return 'mounting a small disk needs root';
  const unshared = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
  return unshared.status === 0 ? null : `mount is not allowed here: ${String(unshared.stderr).trim()}`;
}
