import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SALES_MODEL, startServer } from '../support/server.ts';
import { type Client, createClient, NoReply } from './client.ts';
import { compare, lockStore, readLog, readStore } from './evidence.ts';
import { salesRow } from './load.ts';
import { eachOf, type Held, inTemporaryDirectory, none, progress, seeded } from './proof.ts';

interface DrainOptions {
  readonly times?: number;
  readonly busy?: number;
  readonly idle?: number;
}

const GRACE_MS = 10_000;
const KEEP_ALIVE_MS = 3_000;
/** After the last connection is gone, so that something is left to ingest. */
const STORE_LOCKED_MS = 300;

/**
 * SIGTERM while callers are busy. Others have an open connection that rests, and ask again when the server is already
 * on its way out. A request on a connection that was open must be answered; a new connection may be refused.
 */
export async function proveDrain({
  times = 5,
  busy = 64,
  idle = 32,
}: DrainOptions = {}): Promise<readonly Held[]> {
  const failed: string[] = [];
  const rows: DrainRun[] = [];
  for (let i = 1; i <= times; i++) {
    const run = await inTemporaryDirectory((directory) => drainOnce(directory, { busy, idle, seed: i }));
    progress(`drain ${i} of ${times}: ${JSON.stringify({ ...run, failed: run.failed.length })}`);
    failed.push(...run.failed);
    rows.push(run);
  }
  const answered = rows.reduce((sum, run) => sum + run.answered, 0);
  const late = rows.reduce((sum, run) => sum + run.answeredAfterTerm, 0);
  const notIngested = rows.reduce((sum, run) => sum + run.notStored, 0);
  const slowestMs = Math.max(...rows.map((run) => run.exitMs));
  return [
    none(
      `drain: failed requests, ${busy} busy and ${idle} resting connections, ${times} times`,
      failed,
      `${answered} requests, ${late} of them after SIGTERM`,
    ),
    {
      bar: 'drain: each resting connection that asks during the drain is answered',
      figure: `${rows.reduce((sum, run) => sum + run.restedAnswered, 0)} of ${times * idle}`,
      held: rows.every((run) => run.restedAnswered === idle),
    },
    {
      bar: `drain: exits with 0 within the grace of ${GRACE_MS} ms, though one connection never says a word`,
      figure: `exit ${[...new Set(rows.map((run) => run.exit))].join(', ')}, slowest ${slowestMs.toFixed(0)} ms`,
      held: rows.every((run) => run.exit === '0') && slowestMs < GRACE_MS,
    },
    {
      bar: 'drain: everything answered is logged and in the store once the process is gone, though the store was locked',
      figure: `${notIngested} of ${answered} missing`,
      held: notIngested === 0,
    },
  ];
}

interface DrainRun {
  readonly failed: readonly string[];
  readonly answered: number;
  readonly answeredAfterTerm: number;
  readonly restedAnswered: number;
  readonly exit: string;
  readonly exitMs: number;
  readonly notStored: number;
}

async function drainOnce(
  directory: string,
  { busy, idle, seed }: { busy: number; idle: number; seed: number },
): Promise<DrainRun> {
  const server = await startServer({
    directory,
    model: SALES_MODEL,
    config: { server: { shutdown_grace_ms: GRACE_MS, keep_alive_timeout_ms: KEEP_ALIVE_MS } },
  });
  const failed: string[] = [];
  const ids = new Set<string>();
  let termAt = Number.POSITIVE_INFINITY;
  let answeredAfterTerm = 0;
  let restedAnswered = 0;

  /** False when the connection cannot be used any more. */
  async function ask(client: Client, row: object, who: string): Promise<boolean> {
    try {
      const reply = await client.post('/predict', { features: row });
      if (reply.status === 200) ids.add(reply.json<{ prediction_id: string }>().prediction_id);
      else failed.push(`${who}: ${reply.status}`);
      if (performance.now() > termAt) answeredAfterTerm++;
      return reply.headers.connection !== 'close';
    } catch (error) {
      const wasRefused = error instanceof NoReply && error.fresh && performance.now() > termAt;
      if (!wasRefused) failed.push(`${who}: ${(error as Error).message}`);
      return false;
    }
  }

  async function busyCaller(number: number): Promise<void> {
    const random = seeded(seed * 1000 + number);
    const client = createClient(server.url, { connections: 1 });
    while (await ask(client, salesRow(random), 'busy'));
    client.close();
  }

  const resting = Array.from({ length: idle }, () => createClient(server.url, { connections: 1 }));
  const random = seeded(seed);
  await eachOf(resting, idle, async (client) => void (await ask(client, salesRow(random), 'before')));
  const silent = await openSilent(server.port);
  const callers = Promise.all(Array.from({ length: busy }, (_, i) => busyCaller(i)));
  await sleep(800);
  const release = lockStore(directory);
  silent.once('close', () => setTimeout(release, STORE_LOCKED_MS));
  termAt = performance.now();
  const exited = server.terminate().then((exit) => ({ exit, ms: performance.now() - termAt }));
  await eachOf(resting, idle, async (client) => {
    await sleep(random.between(0, 1_500));
    const before = failed.length;
    await ask(client, salesRow(random), 'rested');
    if (failed.length === before) restedAnswered++;
    client.close();
  });
  await callers;
  const { exit, ms } = await exited;
  const log = readLog(path.join(directory, 'logs'));
  const { notLogged, notOnceLogged, notOnceStored } = compare(ids, log, readStore(directory));
  return {
    failed,
    answered: ids.size,
    answeredAfterTerm,
    restedAnswered,
    exit: String(exit.code ?? exit.signal),
    exitMs: ms,
    notStored: notLogged.length + notOnceLogged.length + notOnceStored.length,
  };
}

/** A connection over which nothing is ever sent. */
function openSilent(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => undefined);
    socket.resume();
  });
}
