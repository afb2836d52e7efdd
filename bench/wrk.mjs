import path from 'node:path';
import { root } from '../scripts/steps.mjs';
import { runChild } from './children.mjs';
import { cpuMs, untilQuiet } from './process-usage.mjs';

/**
 * A closed loop: each connection sends its next request when it has its answer. Answers with requests a second, times
 * in milliseconds, and the processor time of the server a request, what it left to do afterwards included.
 */
export async function closedLoop(server, { bodies, connections, seconds, path: route = '/predict' }) {
  const cpuBefore = cpuMs(server.child.pid);
  const printed = await runChild(
    'wrk',
    [
      '-t1',
      `-c${connections}`,
      `-d${seconds}s`,
      '--timeout',
      '30s',
      '-s',
      path.join(root, 'bench/cycle-bodies.lua'),
      `http://127.0.0.1:${server.port}`,
    ],
    { env: { BENCH_BODIES: bodies, BENCH_PATH: route } },
  );
  const result = JSON.parse(/^RESULT (.*)$/m.exec(printed)[1]);
  const settledMs = await untilQuiet(server.child.pid);
  return {
    perSecond: result.requests / result.seconds,
    requests: result.requests,
    p50: result.p50,
    p99: result.p99,
    errors: result.errors,
    cpuMsPerRequest: (cpuMs(server.child.pid) - cpuBefore) / Math.max(1, result.requests),
    settledMs,
  };
}
