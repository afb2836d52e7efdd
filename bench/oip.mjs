import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../scripts/steps.mjs';
import { checkBookkeeping, countRecords } from './bookkeeping.mjs';
import { makeDirectory, runChild } from './children.mjs';
import { compareAnswers } from './compare-answers.mjs';
import { grpcLoad, requireH2load } from './h2load.mjs';
import { CONFIGURATIONS, prepareMlserver, startMlserver } from './mlserver.mjs';
import { post } from './post.mjs';
import { progress } from './report.mjs';
import { FORMS, MODEL, startSlipway } from './servers.mjs';
import { median, ratiosByRound, rotated, rounded, spread } from './statistics.mjs';
import { closedLoop } from './wrk.mjs';

/** Bar F: one row a request over the Open Inference Protocol, against the best that MLServer makes of the same model. */
const TRANSPORTS = [
  { name: 'REST', least: 12 },
  { name: 'gRPC', least: 8 },
];
const REST_PATH = `/v2/models/${MODEL}/infer`;
const GRPC_METHOD = '/inference.GRPCInferenceService/ModelInfer';
/** Both answer the probabilities, which each calls as its library does. */
const OUTPUTS = { slipway: 'probabilities', mlserver: 'predict_proba' };

export async function measureOip(bench) {
  await requireH2load();
  const python = await prepareMlserver();
  const { rounds, seconds } = bench;
  const slipwayBodies = makeBodies(bench.bodies, OUTPUTS.slipway);
  const mlserverBodies = makeBodies(bench.bodies, OUTPUTS.mlserver);
  const runs = [];
  const records = [];
  await compareAll();
  for (let round = 0; round < rounds; round++) await measureRound(round);
  return { rows: [...TRANSPORTS.map(rowOf), errorsRow(), checkBookkeeping(records, 'F')], runs };

  async function compareAll() {
    const servers = await startAll();
    const askers = servers.flatMap((server) => TRANSPORTS.map(({ name }) => askerOf(server, name)));
    await compareAnswers(askers, bench.bodies);
    await stopAll(servers);
  }

  async function measureRound(round) {
    const servers = await startAll();
    const [slipway] = servers;
    let answered = 0;
    for (const { name: transport } of TRANSPORTS) {
      for (const server of servers) await load(server, transport);
      for (const server of rotated(servers, round)) {
        const result = await load(server, transport);
        if (server === slipway) answered += result.requests;
        runs.push({ server: server.name, transport, round, ...result });
        progress(`  round ${round + 1}  ${transport}, ${server.name}: ${result.perSecond.toFixed(0)}/s`);
      }
    }
    records.push(await countRecords(slipway, answered));
    await stopAll(servers);
  }

  /** Slipway first. */
  async function startAll() {
    const servers = [await startOurs()];
    for (const configuration of CONFIGURATIONS) servers.push(await startPeer(configuration));
    return servers;
  }

  async function stopAll(servers) {
    for (const { child } of servers) await child.stop();
  }

  async function startOurs() {
    const server = await startSlipway(bench, { grpc: true });
    return { ...server, bodies: slipwayBodies, ...(await askGrpc(server, slipwayBodies)) };
  }

  async function startPeer(configuration) {
    const [body] = mlserverBodies.list;
    const server = await startMlserver(configuration, { python, model: bench.model, body, path: REST_PATH });
    return { ...server, bodies: mlserverBodies, ...(await askGrpc(server, mlserverBodies)) };
  }

  /** With a real client, so that what a load is made of is known to be answered. */
  async function askGrpc({ grpcPort }, { file }) {
    const message = path.join(makeDirectory(), 'message');
    const script = path.join(root, 'bench/ask_grpc.py');
    const answers = JSON.parse(await runChild(python, [script, String(grpcPort), MODEL, file, message]));
    const sizes = new Set(answers.map(({ bytes }) => bytes));
    if (sizes.size > 1)
      throw new Error(`Answers over gRPC have ${[...sizes].join(', ')} bytes, and not one size`);
    return { message, answerBytes: answers[0].bytes, grpcAnswers: answers };
  }

  function load(server, transport) {
    const { bodies, message, answerBytes } = server;
    return transport === 'REST'
      ? closedLoop(server, { bodies: bodies.file, connections: 64, seconds, path: REST_PATH })
      : grpcLoad(server, { method: GRPC_METHOD, message, answerBytes, seconds });
  }

  /** Which configuration is the best of MLServer depends on the machine and the transport: the one with the greatest median. */
  function rowOf({ name: transport, least }) {
    const rates = (name) =>
      runs
        .filter((run) => run.transport === transport && run.server === name)
        .sort((a, b) => a.round - b.round)
        .map(({ perSecond }) => perSecond);
    const peers = CONFIGURATIONS.map(({ name }) => ({ name, rates: rates(name) }));
    const [best] = peers.sort((a, b) => median(b.rates) - median(a.rates));
    const ours = rates(FORMS.transform.name);
    const ratio = spread(ratiosByRound(ours, best.rates));
    const [our, their] = [ours, best.rates].map((of) => Math.round(median(of)));
    return {
      bar: `F  OIP infer of one row over ${transport}: Slipway ÷ ${best.name}`,
      figure: rounded(ratio.median),
      unit: '×',
      target: `>= ${least}`,
      held: ratio.median >= least,
      note: `rounds ${rounded(ratio.least)} – ${rounded(ratio.greatest)}; ${our} ÷ ${their} requests/s`,
    };
  }

  function errorsRow() {
    const errors = runs.reduce((sum, run) => sum + run.errors, 0);
    return {
      bar: 'F  errors of both under that load',
      figure: errors,
      unit: '',
      target: '= 0',
      held: errors === 0,
    };
  }
}

/** Rows as the protocol has them: a tensor a column, as MLServer makes a data frame of them. */
function makeBodies(rows, output) {
  const list = rows.map((row) =>
    JSON.stringify({
      parameters: { content_type: 'pd' },
      inputs: Object.entries(JSON.parse(row)).map(([name, value]) => tensorOf(name, value)),
      outputs: [{ name: output }],
    }),
  );
  const file = path.join(makeDirectory(), 'infer.txt');
  writeFileSync(file, `${list.join('\n')}\n`);
  return { list, file };
}

function tensorOf(name, value) {
  if (typeof value === 'number') return { name, shape: [1, 1], datatype: 'FP64', data: [value] };
  return { name, shape: [1, 1], datatype: 'BYTES', parameters: { content_type: 'str' }, data: [value] };
}

/** Answers to the server's own bodies, which are those rows in their order. */
function askerOf(server, transport) {
  return {
    name: `${server.name} over ${transport}`,
    async ask() {
      if (transport === 'gRPC') return server.grpcAnswers.map(({ data }) => mostLikely(data));
      const answers = [];
      for (const body of server.bodies.list) {
        const { text } = await post(server.port, body, REST_PATH);
        answers.push(mostLikely(JSON.parse(text).outputs[0].data));
      }
      return answers;
    },
  };
}

/** Both have the classes in the same order: scikit-learn's. */
function mostLikely(probabilities) {
  const probability = Math.max(...probabilities);
  return { prediction: probabilities.indexOf(probability), probability };
}
