import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { AppError, messageOf } from '../../../../kernel/errors.ts';
import type { Logger } from '../../../../kernel/logger.ts';
import { killGroup } from '../kill-group.ts';
import { type Frame, FrameReader, frameBytes, ProtocolViolation } from './frames.ts';
import { LogLines } from './log-lines.ts';
import { usedBytes } from './memory-use.ts';
import {
  type RunError,
  readAnswer,
  readHello,
  readLoaded,
  type WorkerFacts,
  type WorkerRefusal,
} from './messages.ts';
import { crashEnd, exhaustedEnd, memoryEnd, type WorkerEnd, type WorkerEndKind } from './worker-end.ts';

/** What it takes to start a worker of one version. */
export interface WorkerPlan {
  readonly python: string;
  /** The folder that has the package `slipway_worker`. */
  readonly packageDirectory: string;
  /** The environment of the process; PYTHONPATH is set beside it. */
  readonly variables: Readonly<Record<string, string>>;
  /** The message `load`, as JSON. */
  readonly load: string;
  readonly memoryBytes: number | null;
  readonly startTimeoutMs: number;
  /** The name of the version, for the log. */
  readonly version: string;
}

/** The message `predict` with its number, ready to be written. */
export interface RunMessage {
  readonly id: number;
  readonly bytes: Buffer;
}

export type WorkerPhase = 'spawning' | 'connecting' | 'loading' | 'ready' | 'draining' | 'ended';

/** A worker that never became ready: it refused the model, or ended. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly kind: WorkerEndKind;
  /** What the worker said of the model; null when it ended without a word. */
  readonly refusal: WorkerRefusal | null;

  constructor(end: WorkerEnd, refusal: WorkerRefusal | null) {
    super(end.message);
    this.kind = end.kind;
    this.refusal = refusal;
  }
}

interface PendingRun {
  readonly id: number;
  readonly deadline: NodeJS.Timeout;
  readonly resolve: (answer: Frame | RunError) => void;
  readonly reject: (error: AppError) => void;
}

const CHANNEL = 3;
const MEMORY_LOOK_MS = 200;
/** Between the end of the connection and that of the process, of one that ends. */
const CLOSING_MS = 500;
/** For what a process has written before it ended to be read, while another holds its pipes. */
const LAST_WORDS_MS = 250;

/**
 * One process with one model, over a socket that nobody else has. It leads a group of its own, so that what it starts
 * ends with it. Whatever it does, a run ends with an answer or an AppError.
 */
export class WorkerProcess {
  readonly #plan: WorkerPlan;
  readonly #logger: Logger;
  readonly #onEnd: (end: WorkerEnd, wasReady: boolean) => void;
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #reader = new FrameReader();
  readonly #startTimer: NodeJS.Timeout;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #ended: Promise<void>;
  #settleStart!: { resolve: (facts: WorkerFacts) => void; reject: (error: StartFailure) => void };
  #settleEnded!: () => void;
  /** Settles when the worker is ready, or with a StartFailure. */
  readonly whenReady: Promise<WorkerFacts>;
  #phase: WorkerPhase = 'spawning';
  #wasReady = false;
  #end: WorkerEnd | null = null;
  #refusal: WorkerRefusal | null = null;
  #run: PendingRun | null = null;
  #lastWords = '';

  constructor(plan: WorkerPlan, logger: Logger, onEnd: (end: WorkerEnd, wasReady: boolean) => void) {
    this.#plan = plan;
    this.#logger = logger;
    this.#onEnd = onEnd;
    this.#ended = new Promise((resolve) => {
      this.#settleEnded = resolve;
    });
    this.whenReady = new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
    });
    this.#startTimer = setTimeout(() => {
      const message = `worker killed: not ready after ${plan.startTimeoutMs} ms (${this.#phase})`;
      this.kill({ kind: 'start_timeout', message });
    }, plan.startTimeoutMs);
    this.#child = spawn(plan.python, ['-u', '-m', 'slipway_worker', '--fd', String(CHANNEL)], {
      // Not the model's directory: Python imports from where it is started.
      cwd: plan.packageDirectory,
      env: { ...plan.variables, PYTHONPATH: plan.packageDirectory },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#channel = this.#child.stdio[CHANNEL] as Duplex;
    this.#watchProcess();
    this.#watchChannel();
    this.#logOutput('stdout');
    this.#logOutput('stderr');
  }

  get phase(): WorkerPhase {
    return this.#phase;
  }

  /** Why it ends or has ended; null for a worker that does not. */
  get end(): WorkerEnd | null {
    return this.#end;
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /**
   * Answers with the result of a run, or with what went wrong in the model. Past the deadline the worker is killed:
   * DEADLINE_EXCEEDED. When it ends under the run: WORKER_LOST.
   */
  run(message: RunMessage, deadlineMs: number): Promise<Frame | RunError> {
    if (this.#phase !== 'ready' || this.#run !== null)
      return Promise.reject(new AppError('INTERNAL', `a run was given to a worker that is ${this.#phase}`));
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(
        () => this.kill({ kind: 'deadline', message: `worker killed: no answer within ${deadlineMs} ms` }),
        deadlineMs,
      );
      this.#run = { id: message.id, deadline, resolve, reject };
      this.#channel.write(message.bytes);
    });
  }

  /** Ends the worker at once, with what it started; the first reason counts. */
  kill(end: WorkerEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#phase = 'draining';
    killGroup(this.#child.pid);
    this.#failRun(end);
  }

  /** Lets the worker end by itself, and kills it when it takes longer. Resolves when the process is gone. */
  async stop(graceMs: number): Promise<void> {
    const end: WorkerEnd = { kind: 'stop', message: 'worker stopped' };
    if (this.#phase !== 'ready') this.kill(end);
    else {
      this.#end = end;
      this.#phase = 'draining';
      this.#failRun(end);
      this.#channel.write(frameBytes('{"type":"stop"}') as Buffer);
      this.#after(graceMs, () => killGroup(this.#child.pid));
    }
    await this.#ended;
  }

  /** Takes a worker that answers what it may not out of service. */
  violated(reason: string): void {
    this.kill({ kind: 'protocol', message: `worker killed: ${reason}` });
  }

  #watchProcess(): void {
    this.#child.once('spawn', () => {
      if (this.#phase === 'spawning') this.#phase = 'connecting';
    });
    this.#child.on('error', (error) => {
      if (this.#child.pid !== undefined) return;
      this.#end ??= {
        kind: 'not_started',
        message: `${this.#plan.python} cannot be started: ${messageOf(error)}`,
      };
      this.#finish();
    });
    this.#child.once('exit', (code, signal) => {
      this.#end ??= crashEnd(code, signal);
      killGroup(this.#child.pid);
      this.#after(LAST_WORDS_MS, () => this.#finish());
    });
    this.#child.once('close', () => this.#finish());
  }

  #watchChannel(): void {
    const onClosed = (): void => this.#after(CLOSING_MS, () => this.violated('it closed its connection'));
    this.#channel.on('data', (piece: Buffer) => this.#read(piece));
    this.#channel.once('end', onClosed);
    this.#channel.on('error', onClosed);
  }

  #read(piece: Buffer): void {
    try {
      for (const frame of this.#reader.push(piece)) this.#take(frame);
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.#channel.removeAllListeners('data').resume();
      this.violated(error.message);
    }
  }

  #take(frame: Frame): void {
    if (this.#phase === 'spawning' || this.#phase === 'connecting') this.#greet(frame);
    else if (this.#phase === 'loading') this.#loaded(frame);
    else if (this.#run !== null) this.#answered(frame, this.#run);
    else if (this.#end === null) throw new ProtocolViolation('it spoke without being asked');
  }

  #greet(frame: Frame): void {
    const hello = readHello(frame);
    const load = frameBytes(this.#plan.load);
    if (load === null) throw new ProtocolViolation('what it is to load cannot be said in one frame');
    this.#phase = 'loading';
    this.#channel.write(load);
    const { memoryBytes } = this.#plan;
    if (memoryBytes !== null) this.#watchMemory(hello.pid, memoryBytes);
  }

  #loaded(frame: Frame): void {
    const loaded = readLoaded(frame);
    if ('facts' in loaded) {
      clearTimeout(this.#startTimer);
      this.#phase = 'ready';
      this.#wasReady = true;
      this.#settleStart.resolve(loaded.facts);
    } else {
      this.#refusal = loaded;
      this.kill({ kind: 'refused', message: loaded.message });
    }
  }

  #answered(frame: Frame, run: PendingRun): void {
    const answer = readAnswer(frame, run.id);
    clearTimeout(run.deadline);
    this.#run = null;
    if ('kind' in answer && answer.exhausted) this.kill(exhaustedEnd(this.#plan.memoryBytes));
    run.resolve(answer);
  }

  #failRun(end: WorkerEnd): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    clearTimeout(run.deadline);
    run.reject(new AppError(end.kind === 'deadline' ? 'DEADLINE_EXCEEDED' : 'WORKER_LOST', end.message));
  }

  #watchMemory(pid: number, limitBytes: number): void {
    const timer = setInterval(() => {
      const used = usedBytes(pid);
      if (used !== null && used > limitBytes) this.kill(memoryEnd(used, limitBytes));
    }, MEMORY_LOOK_MS);
    timer.unref();
    this.#timers.push(timer);
  }

  #logOutput(stream: 'stdout' | 'stderr'): void {
    const pipe = this.#child[stream] as Readable;
    const lines = new LogLines(
      (line) => {
        if (stream === 'stderr') this.#lastWords = line;
        const fields = {
          'slipway.version': this.#plan.version,
          'slipway.worker.pid': this.pid,
          'slipway.worker.stream': stream,
        };
        if (stream === 'stderr') this.#logger.warn(line, fields);
        else this.#logger.info(line, fields);
      },
      () => performance.now(),
    );
    pipe.on('data', (piece: Buffer) => lines.push(piece));
    pipe.once('close', () => lines.close());
  }

  #finish(): void {
    if (this.#phase === 'ended') return;
    const phase = this.#phase;
    const end = this.#end ?? { kind: 'crash', message: 'worker ended' };
    this.#phase = 'ended';
    clearTimeout(this.#startTimer);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#failRun(end);
    this.#settleStart.reject(
      new StartFailure({ kind: end.kind, message: this.#describeStart(end, phase) }, this.#refusal),
    );
    this.#settleEnded();
    this.#onEnd(end, this.#wasReady);
  }

  #describeStart({ kind, message }: WorkerEnd, phase: WorkerPhase): string {
    if (kind !== 'crash' || this.#lastWords === '') return message;
    return `${message} while ${phase}: ${this.#lastWords}`;
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }

  /** The whole group, also of a leader that is gone: what it started is not to stay. */
}
