import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../kernel/clock.ts';
import { AppError, asAppError } from '../kernel/errors.ts';
import type { InputRecord } from '../models/record-check.ts';
import { type Rows, RowTable, recordAt } from '../models/row-table.ts';
import type { LoadedModel, RowOutput } from '../models/runtimes/runtime.ts';

export interface BatcherOptions {
  /** Rows of one run at the most. */
  readonly maxBatchRows: number;
  /** Rows waiting at the most; past it callers get OVERLOADED at once. */
  readonly maxQueueRows: number;
  /** Longest time from queueing to answer, milliseconds; past it DEADLINE_EXCEEDED. */
  readonly deadlineMs: number;
  /** Whether requests under which their process died are tried once more, each alone; true unless it says false. */
  readonly retryLost?: boolean;
}

/** Told of the outputs of consecutive rows, from the row `from` on, as soon as they are there. */
export type OnOutputs = (from: number, outputs: readonly (RowOutput | AppError)[]) => void;

/** How long the rows of a job waited and ran. */
export interface BatchTimes {
  readonly queueMs: number;
  readonly inferenceMs: number;
}

interface Job {
  readonly rows: Rows;
  readonly onOutputs: OnOutputs;
  readonly queuedAt: number;
  startedAt: number;
  /** Rows that were handed to a run. */
  taken: number;
  /** Rows whose outputs were handed on. */
  delivered: number;
  settled: boolean;
  readonly resolve: (times: BatchTimes) => void;
  readonly reject: (error: AppError) => void;
}

interface Slice {
  readonly job: Job;
  readonly from: number;
  readonly count: number;
}

interface Run {
  readonly batch: readonly Slice[];
  readonly startedAt: number;
  readonly outputs: Promise<readonly (RowOutput | AppError)[]>;
}

/** Where one run at a time is under way. */
interface Lane {
  readonly model: LoadedModel;
  readonly isHelper: boolean;
  /** Whether its runs leave the thread that answers free. */
  readonly isElsewhere: boolean;
  isBusy: boolean;
}

/** A run that holds the thread that answers for longer is left to the other thread. */
const LONGEST_HELP_MS = 4;
/** With several callers that thread has their bodies to read while their rows run. */
const ALONE_FOR_MS = 100;

/**
 * Natural micro-batching: rows that arrive during one turn of the event loop, or while a run is under way, go together
 * into the next run, and nobody waits for a batch to fill. Rows were checked before they came here. When a run of
 * several rows fails it is halved, so that a row that the model cannot take fails alone; when the process that ran it dies,
 * each request is tried once more by itself, so that one that kills the process costs no other its answer.
 */
export class Batcher {
  readonly #lanes: readonly Lane[];
  readonly #options: BatcherOptions;
  readonly #clock: Clock;
  readonly #onRun: (rows: number, elapsedMs: number) => void;
  #queue: Job[] = [];
  /** Jobs all of whose rows are in a run under way: no longer in the queue, and not answered yet. */
  readonly #running = new Set<Job>();
  #queuedRows = 0;
  #isScheduled = false;
  #msPerRow = 0;
  /** When two callers last waited at a time. */
  #sharedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  /** `helper` is the same model on the calling thread, for runs that other lanes have no time for and that are short. */
  constructor(
    model: LoadedModel,
    options: BatcherOptions,
    clock: Clock,
    onRun: (rows: number, elapsedMs: number) => void,
    helper: LoadedModel | null = null,
  ) {
    const lane = { model, isHelper: false, isElsewhere: model.lanes > 1, isBusy: false };
    const own = Array.from({ length: model.lanes }, () => ({ ...lane }));
    const help = { isHelper: true, isElsewhere: false, isBusy: false };
    this.#lanes = helper === null ? own : [...own, { ...help, model: helper }];
    this.#options = { ...options, maxBatchRows: Math.min(options.maxBatchRows, model.maxRows) };
    this.#clock = clock;
    this.#onRun = onRun;
  }

  get queuedRows(): number {
    return this.#queuedRows;
  }

  /** Hands each row's output, or why that row failed, to `onOutputs`. Rejects when the rest of the rows get none. */
  run(rows: Rows, onOutputs: OnOutputs): Promise<BatchTimes> {
    const refusal = this.#refusal(rows.length);
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#queue.push({
        rows,
        onOutputs,
        queuedAt: this.#clock.elapsed(),
        startedAt: 0,
        taken: 0,
        delivered: 0,
        settled: false,
        resolve,
        reject,
      });
      this.#queuedRows += rows.length;
      if (this.#queue.length + this.#running.size > 1) this.#sharedAt = this.#clock.elapsed();
      this.#armDeadline();
      this.#schedule();
    });
  }

  /** Resolves when nothing waits or runs. */
  whenIdle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #refusal(rows: number): AppError | null {
    const { maxQueueRows, deadlineMs } = this.#options;
    const waitMs = this.#queuedRows * this.#msPerRow;
    if (this.#queuedRows > 0 && (this.#queuedRows + rows > maxQueueRows || waitMs > deadlineMs)) {
      const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
      return new AppError(
        'OVERLOADED',
        `${this.#queuedRows} rows wait for this model already: try again later`,
        { retryAfterSeconds },
      );
    }
    return null;
  }

  #isIdle(): boolean {
    return this.#queue.length === 0 && this.#lanes.every((lane) => !lane.isBusy);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#lanes.every((lane) => lane.isBusy)) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#openLanes();
    });
  }

  #openLanes(): void {
    for (const lane of this.#lanes) {
      if (this.#queue.length === 0) return;
      if (!lane.isBusy && (!lane.isHelper || this.#mayHelp())) void this.#work(lane);
    }
  }

  /** Whether the thread that answers lends a hand: it has no other caller to serve, and is not held for long. */
  #mayHelp(): boolean {
    const alone = this.#clock.elapsed() - this.#sharedAt > ALONE_FOR_MS;
    return alone && this.#msPerRow * this.#options.maxBatchRows <= LONGEST_HELP_MS;
  }

  async #work(lane: Lane): Promise<void> {
    lane.isBusy = true;
    for (let run = this.#begin(lane); run !== null; ) {
      const outputs = await run.outputs;
      const elapsedMs = this.#clock.elapsed() - run.startedAt;
      this.#learn(outputs.length, elapsedMs);
      this.#onRun(outputs.length, elapsedMs);
      // What runs elsewhere has its next rows before this thread turns to the answers.
      const next: Run | null = lane.isElsewhere ? this.#begin(lane) : null;
      for (const job of deliver(run.batch, outputs, this.#clock.elapsed())) this.#running.delete(job);
      // A run may hold the thread: before the next, whoever waits for the event loop has its turn.
      if (next === null && this.#queue.length > 0) await nextTurn();
      run = next ?? this.#begin(lane);
    }
    lane.isBusy = false;
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Begins a run of what waits; null when nothing does. */
  #begin(lane: Lane): Run | null {
    const batch = this.#take();
    if (batch.length === 0) return null;
    for (const { job } of batch) if (job.taken === job.rows.length) this.#running.add(job);
    const startedAt = this.#clock.elapsed();
    return { batch, startedAt, outputs: this.#runBatch(lane.model, batch, rowsOf(batch)) };
  }

  #take(): readonly Slice[] {
    const slices: Slice[] = [];
    const now = this.#clock.elapsed();
    let room = this.#options.maxBatchRows;
    let done = 0;
    while (room > 0 && done < this.#queue.length) {
      const job = this.#queue[done] as Job;
      if (job.settled) {
        this.#queuedRows -= job.rows.length - job.taken;
        done++;
        continue;
      }
      if (job.startedAt === 0) job.startedAt = now;
      const count = Math.min(room, job.rows.length - job.taken);
      slices.push({ job, from: job.taken, count });
      job.taken += count;
      room -= count;
      this.#queuedRows -= count;
      if (job.taken === job.rows.length) done++;
    }
    if (done > 0) this.#queue = this.#queue.slice(done);
    return slices;
  }

  async #runBatch(
    model: LoadedModel,
    batch: readonly Slice[],
    rows: Rows,
  ): Promise<readonly (RowOutput | AppError)[]> {
    const outputs = await this.#runHalving(model, rows);
    if (this.#options.retryLost === false || !outputs.some(isLost)) return outputs;
    const again: (RowOutput | AppError)[] = [];
    for (const { job, count } of batch) {
      const own = outputs.slice(again.length, again.length + count);
      const isWanted = own.some(isLost) && !job.settled;
      again.push(
        ...(isWanted ? await this.#runHalving(model, rows.slice(again.length, again.length + count)) : own),
      );
    }
    return again;
  }

  async #runHalving(model: LoadedModel, rows: Rows): Promise<readonly (RowOutput | AppError)[]> {
    try {
      const outputs = await runRows(model, rows);
      return outputs.length === rows.length ? outputs : padded(outputs, rows.length);
    } catch (error) {
      const failure = asAppError(error, 'INFERENCE_FAILED');
      if (rows.length === 1 || failure.code !== 'INFERENCE_FAILED')
        return Array.from({ length: rows.length }, () => failure);
      const middle = rows.length >> 1;
      return [
        ...(await this.#runHalving(model, rows.slice(0, middle))),
        ...(await this.#runHalving(model, rows.slice(middle, rows.length))),
      ];
    }
  }

  #learn(rows: number, elapsedMs: number): void {
    const lanes = this.#lanes.filter((lane) => lane.isBusy).length;
    const sample = elapsedMs / rows / lanes;
    this.#msPerRow = this.#msPerRow === 0 ? sample : this.#msPerRow * 0.9 + sample * 0.1;
  }

  /** One timer for the oldest job: all have the same deadline, so the queue is in its order. */
  #armDeadline(): void {
    if (this.#timer !== null) return;
    const oldest = [...this.#running, ...this.#queue].find((job) => !job.settled);
    if (oldest === undefined) return;
    const left = oldest.queuedAt + this.#options.deadlineMs - this.#clock.elapsed();
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, Math.ceil(left)));
    this.#timer.unref();
  }

  #expire(): void {
    this.#timer = null;
    const limit = this.#clock.elapsed() - this.#options.deadlineMs;
    for (const job of [...this.#running, ...this.#queue]) {
      if (job.queuedAt > limit) break;
      if (!job.settled) {
        job.settled = true;
        job.reject(new AppError('DEADLINE_EXCEEDED', `No answer within ${this.#options.deadlineMs} ms`));
      }
    }
    this.#armDeadline();
  }
}

function isLost(output: RowOutput | AppError): boolean {
  return output instanceof AppError && output.code === 'WORKER_LOST';
}

function runRows(model: LoadedModel, rows: Rows): Promise<readonly RowOutput[]> {
  if (!(rows instanceof RowTable)) return model.run(rows);
  return model.runTable?.(rows) ?? model.run(rows.records());
}

/** The rows of a run: in one table where all of them lie in tables. */
function rowsOf(batch: readonly Slice[]): Rows {
  const [first] = batch as readonly [Slice];
  if (batch.length === 1) {
    const { job, from, count } = first;
    return count === job.rows.length ? job.rows : job.rows.slice(from, from + count);
  }
  if (first.job.rows instanceof RowTable && batch.every(({ job }) => job.rows instanceof RowTable)) {
    const tables = batch.map(({ job, from, count }) => (job.rows as RowTable).slice(from, from + count));
    return RowTable.concat(tables);
  }
  const rows: InputRecord[] = [];
  for (const { job, from, count } of batch) {
    for (let i = 0; i < count; i++) rows.push(recordAt(job.rows, from + i));
  }
  return rows;
}

/** Hands on what was answered; answers with the jobs of which nothing more is to come. */
function deliver(
  batch: readonly Slice[],
  outputs: readonly (RowOutput | AppError)[],
  now: number,
): readonly Job[] {
  const done: Job[] = [];
  let at = 0;
  for (const { job, from, count } of batch) {
    const mine = batch.length === 1 ? outputs : outputs.slice(at, at + count);
    at += count;
    job.delivered += count;
    const isDone = job.delivered === job.rows.length;
    if (isDone) done.push(job);
    if (job.settled) continue;
    job.onOutputs(from, mine);
    if (!isDone) continue;
    job.settled = true;
    job.resolve({ queueMs: job.startedAt - job.queuedAt, inferenceMs: now - job.startedAt });
  }
  return done;
}

function padded(outputs: readonly RowOutput[], length: number): readonly (RowOutput | AppError)[] {
  const missing = new AppError('INFERENCE_FAILED', 'the model answered too few rows');
  return Array.from({ length }, (_, row) => outputs[row] ?? missing);
}
