import path from 'node:path';
import { root } from '../scripts/steps.mjs';
import { runChild } from './children.mjs';
import { BATCH_ROWS } from './prepare.mjs';
import { progress } from './report.mjs';
import { ratiosByRound, rounded, spread } from './statistics.mjs';
import { closedLoop } from './wrk.mjs';

/**
 * Bar C: rows a second of batches over HTTP, against onnxruntime alone on the same rows. One caller at a time, so that
 * nothing of one batch hides behind another; four callers for information.
 */
const LEAST = 0.7;

export async function measureBatch(slipway, { files, model, rounds, seconds }) {
  await overHttp(1);
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    const turns = [
      ['one', () => overHttp(1)],
      ['four', () => overHttp(4)],
      ['raw', rawOnnx],
    ];
    const result = { round };
    for (const [name, turn] of round % 2 === 0 ? turns : turns.reverse()) result[name] = await turn();
    runs.push(result);
    progress(
      `  round ${round + 1}  1 caller ${result.one.toFixed(0)}, 4 callers ${result.four.toFixed(0)}, raw ${result.raw.toFixed(0)} rows/s`,
    );
  }
  return { rows: rowsOf(runs), runs };

  async function overHttp(connections) {
    const load = { bodies: files.batch, connections, seconds, path: '/predict/batch' };
    const { perSecond, errors } = await closedLoop(slipway, load);
    if (errors > 0) throw new Error(`${errors} batches failed`);
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

function rowsOf(runs) {
  const of = (key) => runs.map((run) => run[key]);
  const one = spread(ratiosByRound(of('one'), of('raw')));
  const four = spread(ratiosByRound(of('four'), of('raw')));
  const rate = spread(of('one')).median;
  return [
    {
      bar: `C  rows/s in batches of ${BATCH_ROWS} ÷ raw onnxruntime`,
      figure: rounded(one.median),
      unit: '×',
      target: `>= ${LEAST}`,
      held: one.median >= LEAST,
      note: `rounds ${rounded(one.least)} – ${rounded(one.greatest)}; ${Math.round(rate)} rows/s; 4 callers ${rounded(four.median)}`,
    },
  ];
}
