import { AppError } from '../../../kernel/errors.ts';
import type { RuntimeHealth } from '../runtime.ts';
import type { TextSettings } from './text-engine.ts';
import type { TextModelFiles } from './text-model-files.ts';
import type { FromTextThread, ToTextThread } from './thread-messages.ts';
import type { OnPiece, TextAnswer } from './translation-queue.ts';

/** A thread that serves one model (`serveTextModel`), as `worker_threads` has it. */
export interface TextThread {
  postMessage(message: ToTextThread): void;
  on(event: 'message', listener: (message: FromTextThread) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  ref(): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

interface Call {
  readonly onPiece: OnPiece | null;
  readonly resolve: (answer: TextAnswer) => void;
  readonly reject: (error: unknown) => void;
}

type State = 'loading' | 'ready' | 'lost' | 'released';

/**
 * A text model on a thread of its own. When the thread dies the texts that it had fail with WORKER_LOST, and another is
 * started: at once when the dead one had answered before, otherwise with the next text.
 */
export class TextThreadModel {
  readonly #start: () => TextThread;
  readonly #files: TextModelFiles;
  readonly #settings: TextSettings;
  readonly #calls = new Map<number, Call>();
  #thread: Promise<TextThread>;
  #state: State = 'loading';
  #reason = '';
  #numbered = 0;

  private constructor(start: () => TextThread, files: TextModelFiles, settings: TextSettings) {
    this.#start = start;
    this.#files = files;
    this.#settings = settings;
    this.#thread = this.#launch();
  }

  /** Resolves when the model is in memory; throws what refused it. */
  static async open(
    start: () => TextThread,
    files: TextModelFiles,
    settings: TextSettings,
  ): Promise<TextThreadModel> {
    const model = new TextThreadModel(start, files, settings);
    await model.#thread;
    return model;
  }

  /** Rejects with INFERENCE_FAILED or WORKER_LOST, or the reason of `signal`. */
  async translate(
    text: string,
    onPiece: OnPiece | null = null,
    signal: AbortSignal | null = null,
  ): Promise<TextAnswer> {
    signal?.throwIfAborted();
    if (this.#state === 'lost') this.#relaunch();
    const thread = await this.#thread;
    const call = ++this.#numbered;
    const cancel = (): void => {
      this.#settle(thread, call)?.reject(signal?.reason);
      thread.postMessage({ type: 'cancel', call });
    };
    try {
      return await new Promise((resolve, reject) => {
        // Who waits for an answer, as at the end of a process, must not find it ended instead.
        if (this.#calls.size === 0) thread.ref();
        this.#calls.set(call, { onPiece, resolve, reject });
        signal?.addEventListener('abort', cancel, { once: true });
        thread.postMessage({ type: 'translate', call, text, wantsPieces: onPiece !== null });
      });
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  get health(): RuntimeHealth {
    if (this.#state === 'ready') return { status: 'ok', reason: null };
    return { status: 'down', reason: this.#reason || 'the model is being loaded' };
  }

  /** Ends the thread, and with it everything that the model holds. */
  async release(): Promise<void> {
    this.#state = 'released';
    const thread = await this.#thread.catch(() => null);
    await thread?.terminate();
  }

  #relaunch(): void {
    this.#state = 'loading';
    this.#thread = this.#launch();
    // Who asks next learns of it.
    this.#thread.catch(() => undefined);
  }

  #launch(): Promise<TextThread> {
    const thread = this.#start();
    let hasAnswered = false;
    let isRefused = false;
    let reason = 'the thread of the text model ended';
    return new Promise((resolve, reject) => {
      thread.on('message', (message) => {
        if (message.type === 'loaded') {
          if (this.#state === 'loading') this.#state = 'ready';
          this.#reason = '';
          thread.unref();
          resolve(thread);
        } else if (message.type === 'refused') {
          isRefused = true;
          this.#lose(message.message);
          reject(new AppError(message.code, message.message));
          void thread.terminate();
        } else if (message.type === 'piece') {
          this.#calls.get(message.call)?.onPiece?.(message.piece);
        } else if (message.type === 'translated') {
          hasAnswered = true;
          this.#settle(thread, message.call)?.resolve(message.answer);
        } else {
          const failed = new AppError('INFERENCE_FAILED', `The text model: ${message.message}`);
          this.#settle(thread, message.call)?.reject(failed);
        }
      });
      thread.on('error', (error) => {
        reason = `the thread of the text model failed: ${error.message}`;
      });
      thread.on('exit', () => {
        if (isRefused) return;
        const lost = new AppError('WORKER_LOST', reason);
        reject(lost);
        for (const { reject: rejectCall } of this.#calls.values()) rejectCall(lost);
        this.#calls.clear();
        if (this.#state === 'released') return;
        this.#lose(reason);
        if (hasAnswered) this.#relaunch();
      });
      thread.postMessage({ type: 'load', files: this.#files, settings: this.#settings });
    });
  }

  #lose(reason: string): void {
    this.#reason = reason;
    if (this.#state !== 'released') this.#state = 'lost';
  }

  #settle(thread: TextThread, number: number): Call | undefined {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    if (call !== undefined && this.#calls.size === 0) thread.unref();
    return call;
  }
}
