import path from 'node:path';
import { checkBookkeeping, countRecords } from './bookkeeping.mjs';
import { freePort, makeDirectory, runChild, startChild } from './children.mjs';
import { askPredict, compareAnswers } from './compare-answers.mjs';
import { progress } from './report.mjs';
import { startFastApiPandas, whenAnswering } from './servers.mjs';
import { ratiosByRound, rotated, rounded, spread } from './statistics.mjs';
import { closedLoop } from './wrk.mjs';

/** Bar G: one row a request of the same pickle of pandas + scikit-learn, as it is and converted, against FastAPI. */
const PICKLE = 'Slipway, the pickle';
const CONVERTED = 'Slipway, the pickle converted';
const TARGETS = [
  { of: PICKLE, connections: 64, least: 15 },
  { of: PICKLE, connections: 1, least: 1 },
  { of: CONVERTED, connections: 64, least: 40 },
];

export async function measurePython(bench) {
  const { rounds, seconds, files, bodies } = bench;
  const directory = await registerBoth(bench);
  const peer = await startFastApiPandas(bench);
  const servers = [await startReference(bench, directory, PICKLE, 'pickle/1')];
  servers.push(await startReference(bench, directory, CONVERTED, 'pickle/2'));
  const all = [peer, ...servers];
  await compareAnswers(all.map(askPredict), bodies);
  const runs = [];
  for (const server of all) await load(server, 64);
  for (let round = 0; round < rounds; round++)
    for (const connections of [64, 1])
      for (const server of rotated(all, round)) {
        const result = await load(server, connections);
        runs.push({ server: server.name, connections, round, ...result });
        progress(`  c${connections} round ${round + 1}  ${server.name}: ${result.perSecond.toFixed(0)}/s`);
      }
  const records = [];
  for (const server of servers) records.push(await countRecords(server, answeredBy(server)));
  for (const { child } of all) await child.stop();
  return { rows: [...TARGETS.map(rowOf), errorsRow(), checkBookkeeping(records, 'G')], runs };

  function answeredBy({ name }) {
    return runs.filter(({ server }) => server === name).reduce((sum, { requests }) => sum + requests, 0);
  }

  function load(server, connections) {
    return closedLoop(server, { bodies: files.singles, connections, seconds });
  }

  function rowOf({ of, connections, least }) {
    const rates = (name) =>
      runs
        .filter((run) => run.server === name && run.connections === connections)
        .sort((a, b) => a.round - b.round)
        .map(({ perSecond }) => perSecond);
    const ratio = spread(ratiosByRound(rates(of), rates(peer.name)));
    return {
      bar: `G  /predict on ${connections} connection${connections === 1 ? '' : 's'}: ${of} ÷ ${peer.name}`,
      figure: rounded(ratio.median),
      unit: '×',
      target: `>= ${least}`,
      held: ratio.median >= least,
      note: `rounds ${rounded(ratio.least)} – ${rounded(ratio.greatest)}; ${Math.round(spread(rates(of)).median)} ÷ ${Math.round(spread(rates(peer.name)).median)} requests/s`,
    };
  }

  function errorsRow() {
    const errors = runs.reduce((sum, run) => sum + run.errors, 0);
    return {
      bar: 'G  errors of all under that load',
      figure: errors,
      unit: '',
      target: '= 0',
      held: errors === 0,
    };
  }
}

/** A registry with the pickle as version 1 and what `slipway convert` makes of it as version 2. */
async function registerBoth({ cli, model, python }) {
  const directory = makeDirectory();
  const env = pythonEnv(python);
  const run = (...args) => runChild(process.execPath, [cli, ...args], { cwd: directory, env });
  await run('models', 'register', path.join(model, 'model.joblib'), '--name', 'pickle', '--trust');
  await run('convert', 'pickle/1', '--trust', '--rows', path.join(model, 'rows.jsonl'));
  return directory;
}

async function startReference(bench, directory, name, reference) {
  const port = await freePort();
  const child = startChild(
    process.execPath,
    [bench.cli, 'serve', reference, '--trust', '--port', String(port)],
    { cwd: directory, env: { ...pythonEnv(bench.python), SLIPWAY_LOGS_DIR: `logs-${port}` } },
  );
  return whenAnswering({ name, port, child }, bench.bodies[0]);
}

function pythonEnv(python) {
  return { SLIPWAY_PYTHON_INTERPRETER: python, OMP_NUM_THREADS: '1' };
}
