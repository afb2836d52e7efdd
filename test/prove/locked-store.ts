import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SALES_MODEL, startServer } from '../support/server.ts';
import { createClient } from './client.ts';
import { compare, lockStore, readLog, readStore, waitUntilIngested } from './evidence.ts';
import { startLoad } from './load.ts';
import { type Held, inTemporaryDirectory, none, progress } from './proof.ts';

/** Another process holds the store: predictions go on, and what was logged meanwhile arrives once it lets go. */
export function proveLockedStore({ heldMs = 6_000 } = {}): Promise<readonly Held[]> {
  return inTemporaryDirectory(async (directory) => {
    const server = await startServer({
      directory,
      model: SALES_MODEL,
      config: { prediction_log: { segment_bytes: 1024 * 1024 } },
    });
    const client = createClient(server.url);
    const release = lockStore(directory);
    const load = startLoad(server.url, { clients: 16, endWhenLost: false });
    let slowestMs = 0;
    const statuses = new Set<number>();
    const start = performance.now();
    while (performance.now() - start < heldMs) {
      for (const page of ['/health/ready', '/models', '/model/info', '/health']) {
        const asked = performance.now();
        statuses.add((await client.get(page)).status);
        slowestMs = Math.max(slowestMs, performance.now() - asked);
      }
      await sleep(100);
    }
    const storedWhileLocked = readStore(directory).size;
    const { answered, refused, lost } = await load.stop();
    progress(`${answered.size} ids answered while the store was locked, ${storedWhileLocked} stored`);
    release();
    const ingested = await waitUntilIngested(directory);
    client.close();
    const exit = await server.terminate();
    const log = readLog(path.join(directory, 'logs'));
    const { notLogged, notOnceStored } = compare(answered, log, readStore(directory));
    const failed = [...lost.map((error) => error.message), ...[...refused.keys()].map(String)];
    return [
      none('store locked: predictions without a good answer', failed, `${answered.size} ids in ${heldMs} ms`),
      {
        bar: 'store locked: health and model pages answer meanwhile',
        figure: `statuses ${[...statuses].join(', ')}, slowest ${slowestMs.toFixed(0)} ms`,
        held: statuses.size === 1 && statuses.has(200) && slowestMs < 1_000,
      },
      none('store locked: answered ids that are not in the log', notLogged, `${answered.size} ids`),
      {
        ...none(
          'store locked: lines not exactly once in the store after release',
          notOnceStored,
          `${log.lines.size} lines`,
        ),
        held: notOnceStored.length === 0 && ingested && exit.code === 0 && storedWhileLocked === 0,
      },
    ];
  });
}
