import { residentMb } from './process-usage.mjs';
import { progress } from './report.mjs';
import { startSlipway } from './servers.mjs';
import { rounded } from './statistics.mjs';
import { closedLoop } from './wrk.mjs';

/** Bar E: resident memory of a fresh process after so many predictions on 64 connections, its log ingested. */
const REQUESTS = 100_000;
const CONNECTIONS = 64;
const MOST_MB = 220;

export async function measureMemory(bench) {
  const server = await startSlipway(bench);
  const atStart = residentMb(server.child.pid).now;
  const load = { bodies: bench.files.singles, connections: CONNECTIONS, seconds: bench.seconds };
  let done = 0;
  while (done < REQUESTS) {
    const { requests, errors } = await closedLoop(server, load);
    if (errors > 0 || requests === 0) throw new Error(`${errors} of ${requests} requests failed`);
    done += requests;
    progress(`  ${done} requests: ${residentMb(server.child.pid).now.toFixed(0)} MB`);
  }
  const { now, most } = residentMb(server.child.pid);
  await server.child.stop();
  return {
    rows: [
      {
        bar: `E  resident memory after ${REQUESTS} requests`,
        figure: rounded(now, 0),
        unit: ' MB',
        target: `< ${MOST_MB}`,
        held: now < MOST_MB,
        note: `${rounded(atStart, 0)} MB at the start, ${rounded(most, 0)} MB at the most; ${done} requests`,
      },
    ],
    requests: done,
    mostMb: most,
  };
}
