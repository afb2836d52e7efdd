import { checkBookkeeping, countRecords } from './bookkeeping.mjs';
import { progress } from './report.mjs';
import { FORMS } from './servers.mjs';
import { ratiosByRound, rotated, rounded, spread } from './statistics.mjs';
import { closedLoop } from './wrk.mjs';

/** Bar A: predictions a second on 64 connections, in every form, against a constant and against Python, interleaved. */
const BAR_CONNECTIONS = 64;
const OTHER_CONNECTIONS = [16, 1];
const { transform, graph, codes } = FORMS;
const TARGETS = [
  { of: transform, peer: 'Fastify constant', least: 0.9 },
  { of: graph, peer: 'Fastify constant', least: 0.9 },
  { of: transform, peer: 'FastAPI + onnxruntime', least: 3.3 },
  { of: transform, peer: 'FastAPI + pandas + scikit-learn', least: 40 },
  { of: transform, peer: graph.name, least: 1 },
  { of: transform, peer: codes.name, least: 0.95 },
];

/**
 * `start` starts every form of Slipway, and Fastify, anew for each round: a process keeps the luck of its memory for its life, and the
 * same program differs by a fifth from one process to the next. The peers are far away and stay.
 */
export async function measureThroughput({ start, stop, peers }, { files, rounds, seconds }) {
  const runs = [];
  const records = [];
  for (const peer of peers) await closedLoop(peer, loadOf(BAR_CONNECTIONS, peer));
  for (let round = 0; round < rounds; round++) await withFresh([BAR_CONNECTIONS], round);
  for (let round = 0; round < Math.ceil(rounds / 2); round++) await withFresh(OTHER_CONNECTIONS, round);
  return { rows: [...rowsOf(runs), checkBookkeeping(records)], runs, summary: summaryOf(runs) };

  async function withFresh(connectionCounts, round) {
    const { forms, fastify } = await start();
    const fresh = [...forms, fastify];
    for (const server of fresh) await closedLoop(server, loadOf(BAR_CONNECTIONS, server));
    const before = runs.length;
    for (const connections of connectionCounts) {
      for (const server of rotated([...fresh, ...peers], round)) await measure(server, connections, round);
    }
    for (const form of forms) {
      const answered = runs
        .slice(before)
        .filter(({ server }) => server === form.name)
        .reduce((sum, { requests }) => sum + requests, 0);
      records.push(await countRecords(form, answered));
    }
    await stop(fresh);
  }

  function loadOf(connections, server) {
    return { bodies: server.name === codes.name ? files.codes : files.singles, connections, seconds };
  }

  async function measure(server, connections, round) {
    const result = await closedLoop(server, loadOf(connections, server));
    runs.push({ server: server.name, connections, round, ...result });
    progress(`  c${connections} round ${round + 1}  ${server.name}: ${result.perSecond.toFixed(0)}/s`);
  }
}

function rowsOf(runs) {
  const rates = (name) =>
    runs
      .filter(({ server, connections }) => server === name && connections === BAR_CONNECTIONS)
      .sort((a, b) => a.round - b.round)
      .map(({ perSecond }) => perSecond);
  const errors = runs.reduce((sum, run) => sum + (run.server.startsWith('Slipway') ? run.errors : 0), 0);
  return [
    ...TARGETS.map(({ of, peer, least }) => {
      const { least: low, median, greatest } = spread(ratiosByRound(rates(of.name), rates(peer)));
      return {
        bar: `A  /predict throughput: ${of.name} ÷ ${peer}`,
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
