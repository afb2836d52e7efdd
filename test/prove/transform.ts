import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { JsonObject } from '../../src/kernel/json.ts';
import { compileTransform } from '../../src/models/transforms/compile.ts';
import { parseTransform, type TransformSpec } from '../../src/models/transforms/spec.ts';
import { root } from '../support/server.ts';
import { type Held, inTemporaryDirectory, progress, type Random, seeded } from './proof.ts';

const ROWS = 5_000_000;
const ROWS_PER_SECOND = 200_000;
const MOST_MEGABYTES = 500;
/** Runs of which the middle one counts: other processes share the machine. */
const RUNS = 3;
const COMPARED_EVERY = 997;
const BIN = path.join(root, 'dist/bin.js');

type Make = (random: Random) => string;

const date = (random: Random): string => new Date(1.6e12 + random.next() * 1e11).toISOString();
const number =
  (decimals: number, missing = 0): Make =>
  (random) =>
    random.next() < missing ? '' : (random.next() * 1_000 - 300).toFixed(decimals);
const category =
  (prefix: string, count: number, missing = 0): Make =>
  (random) =>
    random.next() < missing ? '' : `${prefix}${random.between(1, count)}`;

/** Twenty columns: what each holds, and what becomes of it. */
const COLUMNS: readonly (readonly [string, string, Make, readonly object[]])[] = [
  ['n0', 'number', number(2, 0.1), [{ op: 'impute', with: 'median' }, { op: 'standardise' }]],
  ['n1', 'number', number(1, 0.05), [{ op: 'impute', with: 'mean' }, { op: 'min_max' }]],
  ['n2', 'number', number(3, 0.1), []],
  ['n3', 'number', number(4), [{ op: 'clip', min: 0 }, { op: 'log1p' }]],
  ['n4', 'number', number(0), [{ op: 'bin', bins: 10 }]],
  ...['n5', 'n6', 'n7', 'n8'].map((name) => [name, 'number', number(2), [{ op: 'standardise' }]] as const),
  ['i0', 'integer', (random) => String(random.between(0, 1_000_000)), [{ op: 'min_max' }]],
  ['i1', 'integer', (random) => String(random.between(0, 99)), []],
  ['b0', 'boolean', (random) => String(random.next() < 0.5), []],
  ['b1', 'boolean', (random) => String(random.between(0, 1)), []],
  ['c0', 'string', category('', 8), [{ op: 'one_hot' }]],
  ['c1', 'string', category('town ', 50), [{ op: 'target' }]],
  ['c2', 'string', category('a longer category ', 12, 0.05), [{ op: 'one_hot', missing: 'zeros' }]],
  ['c3', 'string', category('ü', 5), [{ op: 'ordinal' }]],
  [
    'd0',
    'datetime',
    (random) => date(random).slice(0, 10),
    [{ op: 'day_of_week' }, { op: 'cyclical', period: 7 }],
  ],
  ['d1', 'datetime', date, [{ op: 'hour' }, { op: 'cyclical', period: 24 }]],
  ['y', 'boolean', (random) => String(random.next() < 0.3), []],
];
const DOCUMENT = {
  schema: 'slipway.transform/1',
  target: 'y',
  fields: COLUMNS.map(([name, type]) => ({ name, type, required: !['n0', 'n1', 'n2', 'c2'].includes(name) })),
  outputs: COLUMNS.slice(0, -1).map(([name, , , steps]) => ({ name, from: name, steps, missing: 'nan' })),
};

/** `transform apply` over five million rows of CSV: fast, in bounded memory, killed and started again, the same bits as a request. */
export function proveTransform(): Promise<readonly Held[]> {
  return inTemporaryDirectory(async (directory) => {
    const at = (name: string): string => path.join(directory, name);
    await writeRows(at('rows.csv'), ROWS);
    await writeRows(at('sample.csv'), 100_000);
    writeFileSync(at('transform.yaml'), JSON.stringify(DOCUMENT));
    await run(directory, ['fit', 'transform.yaml', '--data', 'sample.csv', '--quiet']);
    const held: Held[] = [];
    for (const out of ['matrix.parquet', 'matrix.csv']) {
      const args = ['apply', 'transform.json', '--data', 'rows.csv', '--out', out, '--quiet'];
      held.push(await killHalfWay(directory, args, out));
      const runs: Ran[] = [];
      for (let i = 0; i < RUNS; i++) runs.push(await run(directory, args));
      held.push(...measured(out, runs));
    }
    const spec = parseTransform(JSON.parse(readFileSync(at('transform.json'), 'utf8')));
    held.push(await compared(at('rows.csv'), at('matrix.csv'), spec));
    return held;
  });
}

function measured(out: string, runs: readonly Ran[]): readonly Held[] {
  const rates = runs.map(({ seconds }) => ROWS / seconds).sort((a, b) => a - b);
  const [rate = 0] = rates.slice(RUNS >> 1);
  const cpu = runs.map(({ cpuSeconds }) => cpuSeconds.toFixed(1)).join(', ');
  const megabytes = Math.max(...runs.map((one) => one.megabytes));
  return [
    {
      bar: `${ROWS.toLocaleString('en')} x ${COLUMNS.length} CSV to ${out}: at least ${ROWS_PER_SECOND} rows/s`,
      figure: `${rates.map((each) => each.toFixed(0)).join(', ')} rows/s; ${cpu} s of CPU`,
      held: rate >= ROWS_PER_SECOND,
    },
    {
      bar: `CSV to ${out}: memory below ${MOST_MEGABYTES} MB`,
      figure: `${megabytes.toFixed(0)} MB at most`,
      held: megabytes < MOST_MEGABYTES,
    },
  ];
}

/** SIGKILL once the file grows: nothing under the final name, and the next run is as if there had been none. */
async function killHalfWay(directory: string, args: readonly string[], out: string): Promise<Held> {
  const child = spawn(process.execPath, [BIN, 'transform', ...args], { cwd: directory, stdio: 'ignore' });
  const ended = once(child, 'exit');
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  child.kill('SIGKILL');
  const [, signal] = (await ended) as [number | null, string | null];
  const left = readdirSync(directory).filter((name) => name.startsWith(out));
  const isClean = signal === 'SIGKILL' && !existsSync(path.join(directory, out));
  const { code } = await run(directory, args);
  const after = readdirSync(directory).filter((name) => name.startsWith(out));
  return {
    bar: `${out}: killed half-way, no file under its name; started again, it is whole and alone`,
    figure: `${signal}, left ${left.join(', ')}; then exit ${code}, ${after.join(', ')}`,
    held: isClean && left.length === 1 && code === 0 && after.join() === out,
  };
}

/** A sample of the output against the row engine, which serves requests. */
async function compared(csv: string, matrix: string, spec: TransformSpec): Promise<Held> {
  const compiled = compileTransform(spec);
  const expected = new Float32Array(compiled.columns.length);
  const outputs = linesOf(matrix)[Symbol.asyncIterator]();
  let row = -1;
  let rows = 0;
  const wrong: number[] = [];
  for await (const line of linesOf(csv)) {
    const { value: output } = (await outputs.next()) as { value: string | undefined };
    if (row++ >= 0 && row % COMPARED_EVERY === 0) {
      rows++;
      compiled.encode(recordOf(line), expected, 0);
      const cells = output?.split(',') ?? [];
      const isSame = expected.every((x, i) =>
        Object.is(cells[i] === '' ? Number.NaN : Math.fround(Number(cells[i])), x),
      );
      if (!isSame || cells.length !== expected.length) wrong.push(row);
    }
  }
  const isEnd = (await outputs.next()).done === true;
  return {
    bar: 'every value of a sample of rows is, to the last bit, what a request gets',
    figure: `${wrong.length} of ${rows} rows differ, ${row} rows in all`,
    held: wrong.length === 0 && isEnd && row === ROWS,
  };
}

function recordOf(line: string): JsonObject {
  const cells = line.split(',');
  const known = COLUMNS.map(([name, type], i) => ({ name, type, text: cells[i] as string }));
  return Object.fromEntries(
    known
      .filter(({ text }) => text !== '')
      .map(({ name, type, text }) => {
        if (type === 'boolean') return [name, text === 'true' || text === '1'];
        return [name, type === 'number' || type === 'integer' ? Number(text) : text];
      }),
  );
}

function linesOf(file: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(file) });
}

async function writeRows(file: string, rows: number): Promise<void> {
  const random = seeded(20_261_121);
  const out = createWriteStream(file);
  let text = `${COLUMNS.map(([name]) => name).join()}\n`;
  for (let row = 0; row < rows; row++) {
    text += `${COLUMNS.map(([, , make]) => make(random)).join()}\n`;
    if (text.length < 1 << 20) continue;
    if (!out.write(text)) await once(out, 'drain');
    text = '';
  }
  out.end(text);
  await once(out, 'close');
  progress(`${file}: ${rows} rows`);
}

interface Ran {
  readonly code: number | null;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly megabytes: number;
}

/** Runs the command in a process of its own, which says at its end what it took. */
async function run(cwd: string, args: readonly string[]): Promise<Ran> {
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', MEASURE, BIN, 'transform', ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - start) / 1000;
  const found = /^usage (\d+) (\d+)$/m.exec(stderr);
  if (code !== 0 || found === null) throw new Error(`transform ${args.join(' ')}: exit ${code}\n${stderr}`);
  progress(`${args.join(' ')}: ${seconds.toFixed(1)} s`);
  return { code, seconds, cpuSeconds: Number(found[1]) / 1e6, megabytes: Number(found[2]) / 1024 };
}

/** CPU time in microseconds and the most memory in KiB, on stderr at exit. */
function tellUsage(): void {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    process.stderr.write(`usage ${userCPUTime + systemCPUTime} ${maxRSS}\n`);
  });
}
const MEASURE = `data:text/javascript,${encodeURIComponent(`(${tellUsage})()`)}`;
