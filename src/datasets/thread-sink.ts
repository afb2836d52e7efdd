import type { MessagePort, Worker } from 'node:worker_threads';
import { AppError, asAppError, type ErrorCode, type FieldProblem } from '../kernel/errors.ts';
import type { KeptAs } from '../models/transforms/column-batch.ts';
import { sinkFor } from './open-sink.ts';
import type { RowSink, Rows } from './row-sink.ts';

/**
 * Batches that the thread may have before it: memory is bounded, and nobody waits while a row group of Parquet, which is
 * as many, is written.
 */
const MOST_UNDER_WAY = 16;

type Question =
  | {
      readonly ask: 'open';
      /** The ending of `to` says how the file is written. */
      readonly to: string;
      readonly file: string;
      readonly made: readonly string[];
      readonly kept: readonly string[];
    }
  | { readonly ask: 'write'; readonly rows: Rows; readonly matrix: Float32Array }
  | { readonly ask: 'end' | 'close' };

interface Answer {
  readonly keptAs?: KeptAs;
  readonly error?: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly problems: readonly FieldProblem[];
  };
}

/** The end of the thread: writes what the other end hands over, in its order. */
export function serveSink(port: MessagePort): void {
  let sink: RowSink | null = null;
  let last: Promise<unknown> = Promise.resolve();
  async function answer(question: Question): Promise<Answer> {
    try {
      if (question.ask === 'open') {
        sink = await sinkFor(question.to)(question.file, question.made, question.kept);
        return { keptAs: sink.keptAs };
      }
      if (question.ask === 'write') await sink?.write(question.rows, question.matrix);
      else if (question.ask === 'end') await sink?.end();
      else await sink?.close();
      return {};
    } catch (thrown) {
      const { code, message, problems } = asAppError(thrown);
      return { error: { code, message, problems } };
    }
  }
  port.on('message', (question: Question) => {
    last = last.then(async () => port.postMessage(await answer(question)));
  });
}

/** Writes in a thread of its own: turning numbers into bytes takes as long as making them. */
export class ThreadSink implements RowSink {
  readonly keptAs: KeptAs;
  readonly #thread: Questions;
  /** Of batches that were handed over; fails when one could not be written. */
  readonly #underWay: { readonly written: Promise<Answer>; readonly matrix: Float32Array }[] = [];
  /** Memory that both threads see, of batches that are written. */
  readonly #free: Float32Array[] = [];

  private constructor(thread: Questions, keptAs: KeptAs) {
    this.#thread = thread;
    this.keptAs = keptAs;
  }

  static async open(
    thread: Worker | MessagePort,
    to: string,
    [file, made, kept]: readonly [string, readonly string[], readonly string[]],
  ): Promise<ThreadSink> {
    const questions = new Questions(thread);
    const { keptAs = 'text' } = await questions.ask({ ask: 'open', to, file, made, kept });
    return new ThreadSink(questions, keptAs);
  }

  async write({ count, kept }: Rows, matrix: Float32Array): Promise<void> {
    const shared = this.#sharedCopy(matrix);
    const written = this.#thread.ask({ ask: 'write', rows: { count, kept }, matrix: shared });
    // Looked at when its turn has come; until then a failure is not one that nobody takes.
    written.catch(() => undefined);
    this.#underWay.push({ written, matrix: shared });
    if (this.#underWay.length === MOST_UNDER_WAY) await this.#oldest();
  }

  async end(): Promise<void> {
    while (this.#underWay.length > 0) await this.#oldest();
    await this.#thread.ask({ ask: 'end' });
  }

  async close(): Promise<void> {
    await this.#thread.ask({ ask: 'close' });
  }

  async #oldest(): Promise<void> {
    const oldest = this.#underWay.shift();
    await oldest?.written;
    if (oldest !== undefined) this.#free.push(oldest.matrix);
  }

  #sharedCopy(matrix: Float32Array): Float32Array {
    const free = this.#free.pop();
    const shared =
      free?.length === matrix.length ? free : new Float32Array(new SharedArrayBuffer(matrix.byteLength));
    shared.set(matrix);
    return shared;
  }
}

/** Questions to a thread, which answers them in their order. */
class Questions {
  readonly #thread: Worker | MessagePort;
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  #lost: AppError | null = null;

  constructor(thread: Worker | MessagePort) {
    this.#thread = thread;
    thread.on('message', ({ error, ...answer }: Answer) => {
      const asked = this.#waiting.shift();
      if (error === undefined) asked?.resolve(answer);
      else asked?.reject(new AppError(error.code, error.message, { problems: error.problems }));
    });
    thread.on('error', (error: Error) => this.#fail(error));
    thread.on('exit', () => this.#fail(new Error('The thread that writes has ended')));
  }

  ask(question: Question): Promise<Answer> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#thread.postMessage(question);
    });
  }

  #fail(error: Error): void {
    this.#lost ??= asAppError(error);
    for (const asked of this.#waiting.splice(0)) asked.reject(this.#lost);
  }
}
