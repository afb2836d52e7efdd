import { checkBookkeeping, countRecords } from './bookkeeping.mjs';
import { progress } from './report.mjs';
import { ratiosByRound, rounded, spread } from './statistics.mjs';
import { closedLoop } from './wrk.mjs';

/** Bar A: predictions a second on 64 connections, against a constant and against Python, interleaved. */
const BAR_CONNECTIONS = 64;
const OTHER_CONNECTIONS = [16, 1];
const TARGETS = [
  { peer: 'Fastify constant', least: 0.9 },
  { peer: 'FastAPI + onnxruntime', least: 3.3 },
  { peer: 'FastAPI + pandas + scikit-learn', least: 40 },
];

/**
 * `start` starts Slipway and Fastify anew for each round: a process keeps the luck of its memory for its life, and the
 * same program differs by a fifth from one process to the next. The peers are far away and stay.
 */
export async function measureThroughput({ start, stop, peers }, { files, rounds, seconds }) {
  const runs = [];
  const records = [];
  for (const peer of peers) await closedLoop(peer, loadOf(BAR_CONNECTIONS));
  for (let round = 0; round < rounds; round++) await withPair([BAR_CONNECTIONS], round);
  for (let round = 0; round < Math.ceil(rounds / 2); round++) await withPair(OTHER_CONNECTIONS, round);
  return { rows: [...rowsOf(runs), checkBookkeeping(records)], runs, summary: summaryOf(runs) };

  async function withPair(connectionCounts, round) {
    const { slipway, fastify } = await start();
    for (const server of [slipway, fastify]) await closedLoop(server, loadOf(BAR_CONNECTIONS));
    const before = runs.length;
    for (const connections of connectionCounts) {
      for (const server of rotated([slipway, fastify, ...peers], round))
        await measure(server, connections, round);
    }
    const answered = runs
      .slice(before)
      .filter(({ server }) => server === slipway.name)
      .reduce((sum, { requests }) => sum + requests, 0);
    records.push(await countRecords(slipway, answered));
    await stop([slipway, fastify]);
  }

  function loadOf(connections) {
    return { bodies: files.singles, connections, seconds };
  }

  async function measure(server, connections, round) {
    const result = await closedLoop(server, loadOf(connections));
    runs.push({ server: server.name, connections, round, ...result });
    progress(`  c${connections} round ${round + 1}  ${server.name}: ${result.perSecond.toFixed(0)}/s`);
  }
}

/** Each round begins with another server, so that none always follows the same one. */
function rotated(servers, round) {
  const first = round % servers.length;
  return [...servers.slice(first), ...servers.slice(0, first)];
}

function rowsOf(runs) {
  const rates = (name) =>
    runs
      .filter(({ server, connections }) => server === name && connections === BAR_CONNECTIONS)
      .sort((a, b) => a.round - b.round)
      .map(({ perSecond }) => perSecond);
  const errors = runs.reduce((sum, run) => sum + (run.server === 'Slipway' ? run.errors : 0), 0);
  return [
    ...TARGETS.map(({ peer, least }) => {
      const { least: low, median, greatest } = spread(ratiosByRound(rates('Slipway'), rates(peer)));
      return {
        bar: `A  /predict throughput ÷ ${peer}`,
        figure: rounded(median),
        unit: '×',
        target: `>= ${least}`,
        held: median >= least,
        note: `rounds ${rounded(low)} – ${rounded(greatest)}`,
      };
    }),
    {
      bar: 'A  errors of Slipway under that load',
      figure: errors,
      unit: '',
      target: '= 0',
      held: errors === 0,
    },
  ];
}

function summaryOf(runs) {
  const groups = new Map();
  for (const run of runs) {
    const key = `${run.connections} ${run.server}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].map((group) => {
    const of = (key, decimals) => rounded(spread(group.map((run) => run[key])).median, decimals);
    return {
      server: group[0].server,
      connections: group[0].connections,
      perSecond: of('perSecond', 0),
      p50: of('p50'),
      p99: of('p99'),
      cpuMsPerRequest: of('cpuMsPerRequest', 4),
      settledMs: of('settledMs', 0),
      errors: group.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
}
