import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import path from 'node:path';
import { root } from '../scripts/steps.mjs';

/** A line on how far the bench is; on stderr, so that stdout holds results only. */
export function progress(line) {
  process.stderr.write(`${line}\n`);
}

/** What a reader of the figures has to know of the machine, and nothing that tells whose it is. */
export function machineFacts() {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadAverage: loadavg().map((load) => Number(load.toFixed(2))),
  };
}

/** bench/results/<date>-<node version>.json; a later run of the day takes its place. */
export function writeResults(results) {
  const directory = path.join(root, 'bench/results');
  mkdirSync(directory, { recursive: true });
  const name = `${results.date.slice(0, 10)}-${results.machine.node}.json`;
  writeFileSync(path.join(directory, name), `${JSON.stringify(results, null, 2)}\n`);
  return `bench/results/${name}`;
}

/** The bars as a table in text. */
export function renderRows(rows) {
  const cells = [
    ['bar', 'figure', 'target', 'held', ''],
    ...rows.map(({ bar, figure, unit, target, held, note }) => [
      bar,
      `${figure}${unit}`,
      target,
      held ? 'yes' : 'NO',
      note ?? '',
    ]),
  ];
  return table(cells);
}

/** Medians of every server at every concurrency. */
export function renderThroughput(summary) {
  const header = [
    'server',
    'connections',
    'requests/s',
    'p50 ms',
    'p99 ms',
    'cpu ms/request',
    'settled ms',
    'errors',
  ];
  return table([
    header,
    ...summary.map((entry) =>
      [
        entry.server,
        entry.connections,
        entry.perSecond,
        entry.p50,
        entry.p99,
        entry.cpuMsPerRequest,
        entry.settledMs,
        entry.errors,
      ].map(String),
    ),
  ]);
}

function table(cells) {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return `${cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}
