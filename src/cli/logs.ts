import { open, readlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { OUTCOMES, type Outcome, type PredictionLine } from '../contracts/log-record.ts';
import { AppError } from '../kernel/errors.ts';
import type { PredictionCursor, PredictionFilter } from '../watching/prediction-store.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { csvRow } from './output.ts';
import { readConfig } from './read-config.ts';

interface QueryOptions extends GlobalOptions {
  readonly id?: string;
  readonly correlationId?: string;
  readonly model?: string;
  readonly modelVersion?: string;
  readonly endpoint?: string;
  readonly outcome?: string;
  readonly status?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: string;
  readonly csv?: boolean;
}

const PAGE = 1_000;
const POLL_MS = 200;

/** `slipway logs …`: the prediction log as it is written, and what was ingested of it. */
export function registerLogs(program: Command, context: CliContext): void {
  const logs = program.command('logs').description('Read predictions');
  logs
    .command('tail')
    .description('Follow the prediction log as it is written')
    .option('-n, --lines <count>', 'how many lines to begin with', '10')
    .option('--no-follow', 'stop at the end of the log')
    .addHelpText('after', '\nExample:\n  $ slipway logs tail -n 100 --no-follow --json')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { lines: string; follow: boolean }>();
      const { config } = readConfig(context, options);
      await tail(
        context,
        context.logsDirectory(config),
        wholeNumber('--lines', options.lines, 100_000),
        options,
      );
    });
  logs
    .command('query')
    .description('Search the ingested predictions, newest first')
    .option('--id <prediction_id>', 'one prediction')
    .option('--correlation-id <id>', "the caller's own id")
    .option('--model <name>', 'registered model')
    .option('--model-version <version>', 'as answers show it')
    .option('--endpoint <name>', 'endpoint')
    .option('--outcome <outcome>', OUTCOMES.join(', '))
    .option('--status <code>', 'HTTP status of the answer')
    .option('--since <time>', 'ISO time, or an age such as 15m, 2h, 7d')
    .option('--until <time>', 'ISO time or age')
    .option('--limit <rows>', 'most rows', '100')
    .option('--csv', 'as CSV with a heading')
    .addHelpText('after', '\nExample:\n  $ slipway logs query --since 1h --outcome failed --json')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<QueryOptions>();
      const { config } = readConfig(context, options);
      await query(
        context,
        filterOf(options),
        wholeNumber('--limit', options.limit, 10_000_000),
        options,
        await context.openPredictions(config),
      );
    });
}

async function query(
  context: CliContext,
  filter: PredictionFilter,
  limit: number,
  options: QueryOptions,
  session: Awaited<ReturnType<CliContext['openPredictions']>>,
): Promise<void> {
  try {
    if (options.csv === true) context.out(`${CSV_COLUMNS.join(',')}\n`);
    let after: PredictionCursor | undefined;
    for (let left = limit; left > 0; ) {
      const page = await session.predictions.query(filter, Math.min(left, PAGE), after);
      for (const line of page.predictions) context.out(`${lineText(line, options)}\n`);
      left -= page.predictions.length;
      if (page.next === null) break;
      after = page.next;
    }
  } finally {
    await session.close();
  }
}

const CSV_COLUMNS = [
  '@timestamp',
  'event.id',
  'event.outcome',
  'status',
  'model',
  'model_version',
  'endpoint',
  'latency_ms',
  'prediction',
  'confidence',
  'id',
  'input',
];

function lineText(line: PredictionLine, options: QueryOptions): string {
  if (options.json === true) return JSON.stringify(line);
  if (options.csv === true) {
    return csvRow(CSV_COLUMNS.map((column) => cellOf((line as Record<string, unknown>)[column])));
  }
  return readable(line);
}

function cellOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function readable(line: PredictionLine): string {
  const answer = line.prediction === undefined ? (line['error.code'] ?? '') : JSON.stringify(line.prediction);
  return `${line['@timestamp']}  ${line['event.id']}  ${line['event.outcome'].padEnd(8)} ${line.model} ${line.model_version}  ${line.latency_ms} ms  ${answer}`;
}

async function tail(
  context: CliContext,
  directory: string,
  lines: number,
  options: GlobalOptions & { follow: boolean },
): Promise<void> {
  const current = path.join(directory, 'predictions.log');
  let target = await readlink(current).catch(() => null);
  if (target === null)
    throw new AppError('ARGUMENT_INVALID', `${current} does not exist: has a server run here? (logs_dir)`);
  let follower = await Follower.open(path.join(directory, target));
  for (const line of lastOf(await follower.next(), lines)) context.out(tailText(line, options));
  while (options.follow) {
    await sleep(POLL_MS);
    for (const line of await follower.next()) context.out(tailText(line, options));
    const newest = await readlink(current).catch(() => target);
    if (newest !== null && newest !== target) {
      for (const line of await follower.next()) context.out(tailText(line, options));
      await follower.close();
      target = newest;
      follower = await Follower.open(path.join(directory, target));
    }
  }
  await follower.close();
}

function lastOf(lines: readonly string[], count: number): readonly string[] {
  return lines.slice(Math.max(0, lines.length - count));
}

function tailText(line: string, options: GlobalOptions): string {
  if (options.json === true) return `${line}\n`;
  try {
    const parsed = JSON.parse(line) as PredictionLine;
    return parsed['event.action'] === 'prediction' ? `${readable(parsed)}\n` : `${line}\n`;
  } catch {
    return `${line}\n`;
  }
}

/** Whole lines of a growing file. */
class Follower {
  readonly #handle: Awaited<ReturnType<typeof open>>;
  #rest = Buffer.alloc(0);

  private constructor(handle: Awaited<ReturnType<typeof open>>) {
    this.#handle = handle;
  }

  static async open(file: string): Promise<Follower> {
    return new Follower(await open(file, 'r'));
  }

  async next(): Promise<readonly string[]> {
    const chunks = [this.#rest];
    const chunk = Buffer.alloc(1 << 20);
    for (;;) {
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) break;
      chunks.push(Buffer.from(chunk.subarray(0, bytesRead)));
    }
    const all = Buffer.concat(chunks);
    const end = all.lastIndexOf(0x0a) + 1;
    this.#rest = all.subarray(end);
    return end === 0 ? [] : all.toString('utf8', 0, end - 1).split('\n');
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function filterOf(options: QueryOptions): PredictionFilter {
  const { outcome } = options;
  if (outcome !== undefined && !(OUTCOMES as readonly string[]).includes(outcome)) {
    throw new AppError('ARGUMENT_INVALID', `--outcome is one of ${OUTCOMES.join(', ')}`);
  }
  return {
    ...(options.id !== undefined && { predictionId: options.id }),
    ...(options.correlationId !== undefined && { correlationId: options.correlationId }),
    ...(options.model !== undefined && { model: options.model }),
    ...(options.modelVersion !== undefined && { modelVersion: options.modelVersion }),
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(outcome !== undefined && { outcome: outcome as Outcome }),
    ...(options.status !== undefined && { status: wholeNumber('--status', options.status, 599) }),
    ...(options.since !== undefined && { since: timeOf('--since', options.since) }),
    ...(options.until !== undefined && { until: timeOf('--until', options.until) }),
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function timeOf(flag: string, text: string): number {
  const age = /^(\d+)([smhd])$/.exec(text);
  if (age !== null) return Date.now() - Number(age[1]) * (UNITS[age[2] ?? 's'] ?? 0);
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new AppError(
      'ARGUMENT_INVALID',
      `${flag} ${text} is no time: write 2026-01-31T12:00:00Z or 15m, 2h, 7d`,
    );
  return time;
}

function wholeNumber(flag: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new AppError('ARGUMENT_INVALID', `${flag} takes a whole number up to ${most}`);
  return value;
}
