import { run, step } from '../scripts/steps.mjs';
import { runChild } from './children.mjs';
import { cpuMs, untilQuiet } from './process-usage.mjs';

/** As many calls under way as wrk has connections. */
const CONNECTIONS = 8;
const STREAMS = 8;

/**
 * A closed loop of unary gRPC calls with one message, which lies in a file with its length before it. h2load does not
 * look into trailers, where gRPC says that a call failed; but such an answer has no message, and every good one is of
 * `answerBytes`: what is missing counts as failed.
 */
export async function grpcLoad(server, { method, message, answerBytes, seconds }) {
  const cpuBefore = cpuMs(server.child.pid);
  const printed = await runChild('h2load', [
    '-t1',
    `-c${CONNECTIONS}`,
    `-m${STREAMS}`,
    `-D${seconds}`,
    '-d',
    message,
    ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    `http://127.0.0.1:${server.grpcPort}${method}`,
  ]);
  const result = readReport(printed);
  const settledMs = await untilQuiet(server.child.pid);
  const answered = Math.floor(result.dataBytes / answerBytes);
  const cutOff = CONNECTIONS * STREAMS;
  const unanswered = Math.max(0, result.accepted - answered - cutOff);
  return {
    perSecond: result.perSecond,
    requests: answered,
    mean: result.meanMs,
    errors: result.failed + unanswered,
    cpuMsPerRequest: (cpuMs(server.child.pid) - cpuBefore) / Math.max(1, answered),
    settledMs,
  };
}

/** Fails where a figure is not there: another version of h2load prints another report. */
function readReport(printed) {
  const find = (pattern) => {
    const found = pattern.exec(printed);
    if (found === null) throw new Error(`h2load printed no ${pattern}:\n${printed}`);
    return found;
  };
  const [, mean, unit] = find(/^time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)\b/m);
  const statuses = find(/^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/m);
  const requests = find(/, (\d+) failed, (\d+) errored, (\d+) timeout$/m);
  const sum = (counts) => counts.reduce((total, count) => total + Number(count), 0);
  return {
    perSecond: Number(find(/^finished in [^,]+, ([\d.]+) req\/s/m)[1]),
    meanMs: Number(mean) * { us: 1e-3, ms: 1, s: 1e3 }[unit],
    accepted: Number(statuses[1]),
    failed: Math.max(sum(statuses.slice(2)), sum(requests.slice(1, 3))),
    dataBytes: Number(find(/\((\d+)\) data$/m)[1]),
  };
}

export async function requireH2load() {
  const isThere = async () => (await run('h2load', ['--version'], { quiet: true })).code === 0;
  if (await isThere()) return;
  if (process.getuid?.() === 0)
    await step('Installing h2load', 'apt-get', ['install', '-y', 'nghttp2-client'], { optional: true });
  if (!(await isThere()))
    throw new Error('The load of gRPC comes from h2load: sudo apt-get install nghttp2-client');
}
