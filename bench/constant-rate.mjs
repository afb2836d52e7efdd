import path from 'node:path';
import { root } from '../scripts/steps.mjs';
import { runChild } from './children.mjs';
import { untilQuiet } from './process-usage.mjs';
import { progress } from './report.mjs';
import { median, rounded } from './statistics.mjs';

/**
 * Bar B: latency at a constant rate, an open loop. Where generator and Fastify together cannot hold the rate on this
 * machine, the rate comes down until both servers hold it, and Slipway is measured against Fastify there.
 */
const RATE = 2_100;
const MOST_P99_MS = 10;
const MOST_P99_RATIO = 2;
const STEP_DOWN = 0.8;
const LEAST_RATE = 100;
const HOLDS = 0.99;
const WARM_UP_SECONDS = 2;

export async function measureConstantRate(slipway, fastify, { files, rounds, seconds }) {
  for (const server of [slipway, fastify]) await openLoop(server, RATE, WARM_UP_SECONDS);
  for (let rate = RATE; rate >= LEAST_RATE; rate = Math.round(rate * STEP_DOWN)) {
    const runs = [];
    for (let round = 0; round < rounds; round++) {
      for (const server of round % 2 === 0 ? [slipway, fastify] : [fastify, slipway]) {
        const result = await openLoop(server, rate, seconds);
        runs.push({ server: server.name, rate, round, ...result });
        progress(
          `  ${rate}/s round ${round + 1}  ${server.name}: p99 ${result.p99} ms, ${result.errors} errors`,
        );
      }
    }
    const [ours, constant] = [slipway, fastify].map(({ name }) => summaryOf(runs, name));
    const canBeOffered = constant.achieved >= rate * HOLDS;
    const isHeld = canBeOffered && ours.achieved >= rate * HOLDS;
    if ((rate === RATE && canBeOffered) || isHeld)
      return { rows: rowsOf(rate, ours, constant), runs, summary: [ours, constant] };
    progress(`  ${rate}/s cannot be held here; trying less`);
  }
  throw new Error(`Not even ${LEAST_RATE} requests a second could be offered`);

  async function openLoop({ port, child }, rate, forSeconds) {
    const printed = await runChild(process.execPath, [
      path.join(root, 'bench/open-loop.mjs'),
      ...['--port', String(port), '--rate', String(rate)],
      ...['--seconds', String(forSeconds), '--bodies', files.singles],
    ]);
    await untilQuiet(child.pid);
    return JSON.parse(printed);
  }
}

function summaryOf(runs, name) {
  const own = runs.filter(({ server }) => server === name);
  const of = (key) => rounded(median(own.map((run) => run[key])));
  const sum = (key) => own.reduce((total, run) => total + run[key], 0);
  return {
    server: name,
    rate: own[0].rate,
    achieved: of('achieved'),
    p50: of('p50'),
    p95: of('p95'),
    p99: of('p99'),
    max: of('max'),
    errors: sum('errors'),
    late: sum('late'),
  };
}

function rowsOf(rate, ours, constant) {
  const note = `Fastify ${constant.p99} ms; rate held ${Math.round(ours.achieved)}/s`;
  const latency =
    rate === RATE
      ? { figure: ours.p99, unit: ' ms', target: `<= ${MOST_P99_MS}`, held: ours.p99 <= MOST_P99_MS, note }
      : {
          figure: rounded(ours.p99 / constant.p99),
          unit: '× Fastify',
          target: `<= ${MOST_P99_RATIO}`,
          held: ours.p99 <= MOST_P99_RATIO * constant.p99,
          note: `${ours.p99} ms; ${note}; ${RATE}/s cannot be offered on this machine`,
        };
  return [
    { bar: `B  p99 at a constant ${rate} requests/s`, ...latency },
    { bar: 'B  errors at that rate', figure: ours.errors, unit: '', target: '= 0', held: ours.errors === 0 },
  ];
}
