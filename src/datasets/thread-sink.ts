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
  /** What was written, to be used again. */
  readonly matrix?: Float32Array;
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
      if (question.ask === 'write') {
        await sink?.write(question.rows, question.matrix);
        return { matrix: question.matrix };
      }
      if (question.ask === 'end') await sink?.end();
      else await sink?.close();
      return {};
    } catch (thrown) {
      const { code, message, problems } = asAppError(thrown);
      return { error: { code, message, problems } };
    }
  }
  port.on('message', (question: Question) => {
    last = last.then(async () => {
      const found = await answer(question);
      port.postMessage(found, found.matrix === undefined ? [] : [found.matrix.buffer as ArrayBuffer]);
    });
  });
}

/** Writes in a thread of its own: turning numbers into bytes takes as long as making them. */
export class ThreadSink implements RowSink {
  readonly keptAs: KeptAs;
  readonly #thread: Questions;
  /** Of batches that were handed over; fails when one could not be written. */
  readonly #underWay: Promise<Answer>[] = [];

  readonly #used: Float32Array[] = [];

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
    const copy = this.#copyOf(matrix);
    const written = this.#thread.ask({ ask: 'write', rows: { count, kept }, matrix: copy }, copy.buffer);
    // Looked at when its turn has come; until then a failure is not one that nobody takes.
    written.catch(() => undefined);
    this.#underWay.push(written);
    if (this.#underWay.length < MOST_UNDER_WAY) return;
    const { matrix: used } = (await this.#underWay.shift()) as Answer;
    if (used !== undefined) this.#used.push(used);
  }

  async end(): Promise<void> {
    for (const written of this.#underWay.splice(0)) await written;
    await this.#thread.ask({ ask: 'end' });
  }

  async close(): Promise<void> {
    await this.#thread.ask({ ask: 'close' });
  }

  #copyOf(matrix: Float32Array): Float32Array {
    const used = this.#used.pop();
    if (used?.length !== matrix.length) return matrix.slice();
    used.set(matrix);
    return used;
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

  ask(question: Question, ...transfer: ArrayBufferLike[]): Promise<Answer> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#thread.postMessage(question, transfer as ArrayBuffer[]);
    });
  }

  #fail(error: Error): void {
    this.#lost ??= asAppError(error);
    for (const asked of this.#waiting.splice(0)) asked.reject(this.#lost);
  }
}
