import path from 'node:path';
import { root } from '../scripts/steps.mjs';
import { countRecords } from './bookkeeping.mjs';
import { runChild } from './children.mjs';
import { BATCH_ROWS } from './prepare.mjs';
import { progress } from './report.mjs';
import { ratiosByRound, rounded, spread } from './statistics.mjs';
import { closedLoop } from './wrk.mjs';

/**
 * Bar C: rows a second of batches over HTTP, against onnxruntime alone on the same raw rows, which only the graph that
 * does everything itself can take. One caller at a time, so that nothing of one batch hides behind another; four callers
 * for information. A turn ends when its lines are in the store: the next would share its processor with the rest.
 */
const LEAST = 0.7;

export async function measureBatch(forms, { files, model, rounds, seconds }) {
  for (const form of forms) await overHttp(form, 1);
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    const turns = [
      ...forms.flatMap((form) => [
        [`${form.name}, 1 caller`, () => overHttp(form, 1)],
        [`${form.name}, 4 callers`, () => overHttp(form, 4)],
      ]),
      ['raw', rawOnnx],
    ];
    const result = { round };
    for (const [name, turn] of round % 2 === 0 ? turns : turns.reverse()) result[name] = await turn();
    runs.push(result);
    const rates = turns.map(([name]) => `${name} ${result[name].toFixed(0)}`);
    progress(`  round ${round + 1}  ${rates.sort().join('; ')} rows/s`);
  }
  return { rows: forms.map((form) => rowOf(runs, form.name)), runs };

  async function overHttp(server, connections) {
    const load = { bodies: files.batch, connections, seconds, path: '/predict/batch' };
    const { perSecond, errors } = await closedLoop(server, load);
    if (errors > 0) throw new Error(`${errors} batches failed`);
    await countRecords(server, 0);
    return perSecond * BATCH_ROWS;
  }

  async function rawOnnx() {
    const script = path.join(root, 'bench/raw-onnx.mjs');
    return Number(
      await runChild(process.execPath, [
        script,
        path.join(model, 'model.onnx'),
        files.batch,
        String(seconds),
      ]),
    );
  }
}

function rowOf(runs, name) {
  const of = (key) => runs.map((run) => run[key]);
  const one = spread(ratiosByRound(of(`${name}, 1 caller`), of('raw')));
  const four = spread(ratiosByRound(of(`${name}, 4 callers`), of('raw')));
  const rate = spread(of(`${name}, 1 caller`)).median;
  return {
    bar: `C  rows/s in batches of ${BATCH_ROWS}: ${name} ÷ raw onnxruntime`,
    figure: rounded(one.median),
    unit: '×',
    target: `>= ${LEAST}`,
    held: one.median >= LEAST,
    note: `rounds ${rounded(one.least)} – ${rounded(one.greatest)}; ${Math.round(rate)} rows/s; 4 callers ${rounded(four.median)}`,
  };
}
