import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SALES_MODEL, startServer } from '../support/server.ts';
import { compare, readLog, readStore, waitUntilIngested } from './evidence.ts';
import { startLoad } from './load.ts';
import { type Held, inTemporaryDirectory, none, progress, seeded } from './proof.ts';

interface KillOptions {
  readonly times?: number;
  readonly seed?: number;
  readonly clients?: number;
}

/** Kills a server under load again and again on the same files, with segments so small that they change all the time. */
export function proveKills({
  times = 20,
  seed = 7,
  clients = 32,
}: KillOptions = {}): Promise<readonly Held[]> {
  return inTemporaryDirectory(async (directory) => {
    const random = seeded(seed);
    const options = {
      directory,
      model: SALES_MODEL,
      config: { prediction_log: { segment_bytes: 256 * 1024 } },
    };
    const answered = new Set<string>();
    const trouble: string[] = [];
    for (let kill = 1; kill <= times; kill++) {
      const server = await startServer(options);
      const load = startLoad(server.url, { clients, seed: seed * 100 + kill });
      await sleep(random.between(150, 1200));
      await server.kill();
      const { answered: now, refused } = await load.stop();
      for (const id of now) answered.add(id);
      for (const [status, count] of refused) trouble.push(`${count} answers with ${status}`);
      progress(`kill ${kill} of ${times}: ${now.size} ids answered`);
    }
    const server = await startServer(options);
    const ingested = await waitUntilIngested(directory);
    const exit = await server.terminate();
    const log = readLog(path.join(directory, 'logs'));
    const { notLogged, notOnceLogged, notOnceStored } = compare(answered, log, readStore(directory));
    const asked = `${answered.size} answered ids, ${times} kills, ${log.segments} segments, ${log.torn} torn tails`;
    return [
      none('kill -9: answered ids that are not in the log', notLogged, asked),
      none('kill -9: lines that are in the log more than once', notOnceLogged, `${log.lines.size} lines`),
      none('kill -9: lines that are not exactly once in the store', notOnceStored, `${log.lines.size} lines`),
      none('kill -9: requests refused before the kill', trouble, `${answered.size} ids`),
      {
        bar: 'kill -9: torn lines only at the end of a segment, all ingested, clean exit after it',
        figure: `${log.tornInside} inside, ingested: ${ingested}, exit ${exit.code}`,
        held: log.tornInside === 0 && ingested && exit.code === 0 && log.segments > times + 1,
      },
    ];
  });
}
