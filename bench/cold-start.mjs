import { progress } from './report.mjs';
import { registerModel, startSlipway } from './servers.mjs';
import { rounded, spread } from './statistics.mjs';

/** Bar D: from the start of the process to the first answer, with the model registered and its files in memory. */
const MOST_SECONDS = 1.5;
const LEAST_STARTS = 5;
const POLL_MS = 5;

export async function measureColdStart(bench) {
  const directory = await registerModel(bench);
  const runs = [];
  for (let start = 0; start < Math.max(LEAST_STARTS, bench.rounds); start++) {
    const startedAt = performance.now();
    const server = await startSlipway(bench, { directory, pollMs: POLL_MS });
    runs.push((performance.now() - startedAt) / 1000);
    await server.child.stop();
    progress(`  start ${start + 1}: ${runs.at(-1).toFixed(3)} s`);
  }
  const { least, median, greatest } = spread(runs);
  return {
    rows: [
      {
        bar: 'D  process start to first 200',
        figure: rounded(median, 3),
        unit: ' s',
        target: `< ${MOST_SECONDS}`,
        held: median < MOST_SECONDS,
        note: `${runs.length} starts, ${rounded(least, 3)} – ${rounded(greatest, 3)}`,
      },
    ],
    runs,
  };
}
