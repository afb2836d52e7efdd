import { AppError } from '../../../../kernel/errors.ts';
import type { Logger } from '../../../../kernel/logger.ts';
import type { RuntimeHealth } from '../../runtime.ts';
import { type Frame, ProtocolViolation } from './frames.ts';
import type { RunError, WorkerFacts } from './messages.ts';
import { restartDelay } from './restart-delay.ts';
import type { WorkerEnd } from './worker-end.ts';
import { type RunMessage, type WorkerPlan, WorkerProcess } from './worker-process.ts';

export interface PoolOptions {
  readonly workers: number;
  /** Longest time of one run, milliseconds; past it the worker is killed. */
  readonly deadlineMs: number;
  /** For a worker that is told to stop to end by itself. */
  readonly stopGraceMs: number;
}

interface Waiting {
  readonly resolve: (worker: WorkerProcess) => void;
  readonly reject: (error: AppError) => void;
}

/** Failed starts in a row after which nobody waits for the next. */
const OPENING_FAILURES = 3;

/**
 * The workers of one version. One that ends is started again, at once or after a back-off; after some failed starts in a
 * row callers are told so at once, and it is tried ever more rarely.
 */
export class WorkerPool {
  readonly #plan: WorkerPlan;
  readonly #options: PoolOptions;
  readonly #logger: Logger;
  readonly #workers = new Set<WorkerProcess>();
  readonly #idle: WorkerProcess[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #restarts = new Set<NodeJS.Timeout>();
  #endsInARow = 0;
  #failedStarts = 0;
  #nextTryAt = 0;
  #lastEnd: WorkerEnd | null = null;
  #isStarted = false;
  #isReleased = false;

  constructor(plan: WorkerPlan, options: PoolOptions, logger: Logger) {
    this.#plan = plan;
    this.#options = options;
    this.#logger = logger;
  }

  get workers(): number {
    return this.#options.workers;
  }

  /** Starts every worker; rejects with the StartFailure of the first that does not become ready, and then none is left. */
  async start(): Promise<WorkerFacts> {
    try {
      const started = Array.from({ length: this.#options.workers }, () => this.#launch().whenReady);
      const [facts] = await Promise.all(started);
      this.#isStarted = true;
      return facts as WorkerFacts;
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  /**
   * Runs on a worker that is free, which is waited for within the deadline: NOT_READY when there is none. `read` makes of
   * the result what it says; when it finds a ProtocolViolation the worker goes, and the run is WORKER_LOST.
   */
  async run<T>(message: RunMessage, read: (answer: Frame | RunError) => T): Promise<T> {
    const worker = this.#takeIdle() ?? (await this.#whenIdle());
    try {
      const answer = await worker.run(message, this.#options.deadlineMs);
      const result = read(answer);
      this.#endsInARow = 0;
      return result;
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      worker.violated(error.message);
      throw new AppError('WORKER_LOST', `the worker was killed: ${error.message}`, { cause: error });
    } finally {
      this.#handBack(worker);
    }
  }

  health(): RuntimeHealth {
    const ready = this.#readyWorkers();
    if (ready === this.#options.workers) return { status: 'ok', reason: null };
    const ending = [...this.#workers].find(({ end }) => end !== null)?.end;
    const reason = (ending ?? this.#lastEnd)?.message ?? 'workers are starting';
    return { status: this.#isHopeless() ? 'down' : 'degraded', reason };
  }

  /** Ends every worker; runs under way get WORKER_LOST, so the caller waits for them first. */
  async release(): Promise<void> {
    this.#isReleased = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#refuseWaiting();
    await Promise.all([...this.#workers].map((worker) => worker.stop(this.#options.stopGraceMs)));
  }

  #launch(): WorkerProcess {
    const worker = new WorkerProcess(this.#plan, this.#logger, (end, wasReady) => {
      this.#workers.delete(worker);
      this.#ended(worker, end, wasReady);
    });
    this.#workers.add(worker);
    worker.whenReady.then(
      () => {
        this.#failedStarts = 0;
        this.#handBack(worker);
      },
      () => undefined,
    );
    return worker;
  }

  #ended(worker: WorkerProcess, end: WorkerEnd, wasReady: boolean): void {
    const place = this.#idle.indexOf(worker);
    if (place !== -1) this.#idle.splice(place, 1);
    if (end.kind === 'stop') return;
    this.#lastEnd = end;
    this.#endsInARow++;
    if (!wasReady) this.#failedStarts++;
    if (!this.#isStarted || this.#isReleased) return;
    const delayMs = restartDelay(this.#endsInARow, wasReady, Math.random);
    this.#logger.warn(end.message, {
      'slipway.version': this.#plan.version,
      'slipway.worker.pid': worker.pid,
      'slipway.worker.end': end.kind,
      'slipway.worker.restart_in_ms': Math.round(delayMs),
    });
    this.#nextTryAt = performance.now() + delayMs;
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#launch();
    }, delayMs);
    this.#restarts.add(timer);
    if (this.#isHopeless()) this.#refuseWaiting();
  }

  #takeIdle(): WorkerProcess | null {
    for (let worker = this.#idle.pop(); worker !== undefined; worker = this.#idle.pop())
      if (worker.phase === 'ready') return worker;
    return null;
  }

  #handBack(worker: WorkerProcess): void {
    if (worker.phase !== 'ready') return;
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(worker);
    else next.resolve(worker);
  }

  #whenIdle(): Promise<WorkerProcess> {
    if (this.#isReleased || this.#isHopeless()) return Promise.reject(this.#notReady());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(this.#notReady());
      }, this.#options.deadlineMs);
      const settled = <T>(act: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer);
          act(value);
        };
      };
      const waiting = { resolve: settled(resolve), reject: settled(reject) };
      this.#waiting.push(waiting);
    });
  }

  #readyWorkers(): number {
    let ready = 0;
    for (const { phase } of this.#workers) if (phase === 'ready') ready++;
    return ready;
  }

  #isHopeless(): boolean {
    return this.#failedStarts >= OPENING_FAILURES && this.#readyWorkers() === 0;
  }

  #refuseWaiting(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(this.#notReady());
  }

  #notReady(): AppError {
    const reason = this.#lastEnd === null ? '' : ` (${this.#lastEnd.message})`;
    const seconds = Math.ceil((this.#nextTryAt - performance.now()) / 1000);
    return new AppError('NOT_READY', `No worker of this model is ready${reason}: try again later`, {
      retryAfterSeconds: Math.max(1, seconds),
    });
  }
}
