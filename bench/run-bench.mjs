import { measureBatch } from './batch.mjs';
import { measureColdStart } from './cold-start.mjs';
import { askPredict, compareAnswers } from './compare-answers.mjs';
import { measureConstantRate } from './constant-rate.mjs';
import { measureMemory } from './memory.mjs';
import { measureOip } from './oip.mjs';
import { post } from './post.mjs';
import { prepare } from './prepare.mjs';
import { measurePython } from './python.mjs';
import { machineFacts, progress } from './report.mjs';
import { FORMS, startFastApiOnnx, startFastApiPandas, startFastify, startSlipway } from './servers.mjs';
import { measureThroughput } from './throughput.mjs';

/** The measurements by name, in the order of their bars. */
const MEASURES = {
  throughput: async (bench) => {
    const peers = [await startFastApiOnnx(bench), await startFastApiPandas(bench)];
    const { forms, fastify } = await startForms(bench);
    const alike = forms.filter(({ name }) => name !== FORMS.codes.name);
    await compareAnswers([...alike, ...peers].map(askPredict), bench.bodies);
    await stopAll([...forms, fastify]);
    const measured = await measureThroughput({ start: () => startForms(bench), stop: stopAll, peers }, bench);
    await stopAll(peers);
    return measured;
  },
  rate: async (bench) => {
    const { slipway, fastify } = await startPair(bench);
    const measured = await measureConstantRate(slipway, fastify, bench);
    await stopAll([slipway, fastify]);
    return measured;
  },
  batch: async (bench) => {
    const forms = [];
    for (const form of ['transform', 'graph']) forms.push(await startSlipway(bench, { form }));
    const measured = await measureBatch(forms, bench);
    await stopAll(forms);
    return measured;
  },
  start: measureColdStart,
  memory: measureMemory,
  oip: measureOip,
  python: measurePython,
};

export const MEASURE_NAMES = Object.keys(MEASURES);

/**
 * Runs the measurements named in `only`, `rounds` of `seconds` each. Answers with `rows`, one a bar:
 * `{ bar, figure, unit, target, held, note }`, and with all that they were made from.
 */
export async function runBench({ only = MEASURE_NAMES, rounds = 5, seconds = 4 } = {}) {
  const date = new Date().toISOString();
  const bench = { ...(await prepare()), rounds, seconds };
  const machine = machineFacts();
  const measured = {};
  for (const name of only) {
    progress(`Measuring ${name}`);
    measured[name] = await MEASURES[name](bench);
  }
  const rows = Object.values(measured).flatMap((measure) => measure.rows);
  return {
    date,
    machine: { ...machine, loadAverageAfter: machineFacts().loadAverage },
    rounds,
    seconds,
    rows,
    measured: withoutRows(measured),
  };
}

/** Every form of Slipway, one after the other under load, and a constant. */
async function startForms(bench) {
  const { slipway, fastify } = await startPair(bench);
  const others = [];
  for (const form of ['graph', 'codes']) others.push(await startSlipway(bench, { form }));
  return { forms: [slipway, ...others], fastify };
}

async function startPair(bench) {
  const slipway = await startSlipway(bench);
  const { text } = await post(slipway.port, bench.bodies[0]);
  return { slipway, fastify: await startFastify(bench, JSON.parse(text)) };
}

async function stopAll(servers) {
  for (const { child } of servers) await child.stop();
}

function withoutRows(measured) {
  return Object.fromEntries(Object.entries(measured).map(([name, { rows: _, ...rest }]) => [name, rest]));
}
