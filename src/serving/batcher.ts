import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../kernel/clock.ts';
import { AppError, messageOf } from '../kernel/errors.ts';
import type { InputRecord } from '../models/record-check.ts';
import type { LoadedModel, RowOutput } from '../models/runtimes/runtime.ts';

export interface BatcherOptions {
  /** Rows of one run at the most. */
  readonly maxBatchRows: number;
  /** Rows waiting at the most; past it callers get OVERLOADED at once. */
  readonly maxQueueRows: number;
  /** Longest time from queueing to answer, milliseconds; past it DEADLINE_EXCEEDED. */
  readonly deadlineMs: number;
}

/** Each row's output, or why that row failed, with the time that the rows waited and ran. */
export interface BatchedOutputs {
  readonly outputs: readonly (RowOutput | AppError)[];
  readonly queueMs: number;
  readonly inferenceMs: number;
}

interface Job {
  readonly rows: readonly InputRecord[];
  readonly outputs: (RowOutput | AppError)[];
  readonly queuedAt: number;
  startedAt: number;
  inferenceMs: number;
  /** Rows that were handed to a run. */
  taken: number;
  settled: boolean;
  readonly resolve: (outputs: BatchedOutputs) => void;
  readonly reject: (error: AppError) => void;
}

interface Slice {
  readonly job: Job;
  readonly from: number;
  readonly count: number;
}

/**
 * Natural micro-batching: rows that arrive during one turn of the event loop, or while a run is under way, go together
 * into the next run, and nobody waits for a batch to fill. Rows were checked before they came here. When a run of
 * several rows fails it is halved, so that a row that the model cannot take fails alone.
 */
export class Batcher {
  readonly #model: LoadedModel;
  readonly #options: BatcherOptions;
  readonly #clock: Clock;
  readonly #onRun: (rows: number, elapsedMs: number) => void;
  #queue: Job[] = [];
  /** Jobs all of whose rows are in the run under way: no longer in the queue, and not answered yet. */
  #running: readonly Job[] = [];
  #queuedRows = 0;
  #busy = false;
  #msPerRow = 0;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  constructor(
    model: LoadedModel,
    options: BatcherOptions,
    clock: Clock,
    onRun: (rows: number, elapsedMs: number) => void,
  ) {
    this.#model = model;
    this.#options = { ...options, maxBatchRows: Math.min(options.maxBatchRows, model.maxRows) };
    this.#clock = clock;
    this.#onRun = onRun;
  }

  get queuedRows(): number {
    return this.#queuedRows;
  }

  run(rows: readonly InputRecord[]): Promise<BatchedOutputs> {
    const refusal = this.#refusal(rows.length);
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#queue.push({
        rows,
        outputs: new Array(rows.length),
        queuedAt: this.#clock.elapsed(),
        startedAt: 0,
        inferenceMs: 0,
        taken: 0,
        settled: false,
        resolve,
        reject,
      });
      this.#queuedRows += rows.length;
      this.#armDeadline();
      if (this.#busy) return;
      this.#busy = true;
      setImmediate(() => void this.#work());
    });
  }

  /** Resolves when nothing waits or runs. */
  whenIdle(): Promise<void> {
    if (!this.#busy && this.#queue.length === 0) return Promise.resolve();
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

  async #work(): Promise<void> {
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      const rows =
        batch.length === 1 && batch[0]?.count === batch[0]?.job.rows.length
          ? batch[0]?.job.rows
          : rowsOf(batch);
      this.#running = batch.map(({ job }) => job).filter((job) => job.taken === job.rows.length);
      const start = this.#clock.elapsed();
      const outputs = await this.#runHalving(rows as readonly InputRecord[]);
      const elapsedMs = this.#clock.elapsed() - start;
      this.#learn(outputs.length, elapsedMs);
      this.#onRun(outputs.length, elapsedMs);
      deliver(batch, outputs, elapsedMs);
      this.#running = [];
      // A run may hold the thread: before the next, whoever waits for the event loop has its turn.
      if (this.#queue.length > 0) await nextTurn();
    }
    this.#busy = false;
    for (const resolve of this.#idle.splice(0)) resolve();
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

  async #runHalving(rows: readonly InputRecord[]): Promise<readonly (RowOutput | AppError)[]> {
    try {
      return await this.#model.run(rows);
    } catch (error) {
      if (rows.length === 1) return [error instanceof AppError ? error : failed(error)];
      const middle = rows.length >> 1;
      return [
        ...(await this.#runHalving(rows.slice(0, middle))),
        ...(await this.#runHalving(rows.slice(middle))),
      ];
    }
  }

  #learn(rows: number, elapsedMs: number): void {
    const sample = elapsedMs / rows;
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

function rowsOf(batch: readonly Slice[]): readonly InputRecord[] {
  const rows: InputRecord[] = [];
  for (const { job, from, count } of batch) {
    for (let i = 0; i < count; i++) rows.push(job.rows[from + i] as InputRecord);
  }
  return rows;
}

function deliver(
  batch: readonly Slice[],
  outputs: readonly (RowOutput | AppError)[],
  elapsedMs: number,
): void {
  let at = 0;
  for (const { job, from, count } of batch) {
    for (let i = 0; i < count; i++)
      job.outputs[from + i] = outputs[at++] ?? failed('the model answered too few rows');
    job.inferenceMs += elapsedMs;
    if (from + count < job.rows.length || job.settled) continue;
    job.settled = true;
    job.resolve({
      outputs: job.outputs,
      queueMs: job.startedAt - job.queuedAt,
      inferenceMs: job.inferenceMs,
    });
  }
}

function failed(cause: unknown): AppError {
  return new AppError('INFERENCE_FAILED', messageOf(cause), { cause });
}
