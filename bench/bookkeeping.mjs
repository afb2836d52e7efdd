import { setTimeout as sleep } from 'node:timers/promises';
import { untilQuiet } from './process-usage.mjs';

/**
 * Whether Slipway did all that it is measured for: a prediction counted in the metrics, and its line in the store, for
 * each answer that a load generator got.
 */
const INGEST_MS = 60_000;

export async function countRecords({ port, child }, answered) {
  const deadline = Date.now() + INGEST_MS;
  let counts = await countsOf(port);
  while (counts.ingested < counts.predicted && Date.now() < deadline) {
    await sleep(500);
    counts = await countsOf(port);
  }
  await untilQuiet(child.pid);
  return { answered, ...counts };
}

/** The bar, over the records of every process that was measured; `letter` is that of the bars it stands among. */
export function checkBookkeeping(records, letter = 'A') {
  const sum = (key) => records.reduce((total, record) => total + record[key], 0);
  const counts = { answered: sum('answered'), predicted: sum('predicted'), ingested: sum('ingested') };
  const isWhole = records.every(
    ({ answered, predicted, ingested }) => predicted >= answered && ingested === predicted,
  );
  return {
    bar: `${letter}  lines in the store ÷ predictions counted`,
    figure: counts.ingested / counts.predicted,
    unit: '',
    target: '= 1',
    held: isWhole,
    note: `${counts.answered} answers, ${counts.predicted} predictions, ${counts.ingested} lines`,
  };
}

async function countsOf(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const sum = (pattern) => [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
  return {
    predicted: sum(/^slipway_requests_total\{[^}]*outcome="ok"[^}]*\} (\S+)$/gm),
    ingested: sum(/^slipway_ingested_lines_total (\S+)$/gm),
  };
}
