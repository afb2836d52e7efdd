import type { OutputTensor } from '../tensors/decode-outputs.ts';
import type { InputTensor } from '../tensors/tensor-model.ts';
import { packTensors, unpackTensors } from './packed-tensors.ts';
import type { GraphSource, OnnxSession } from './session.ts';
import type { FromSessionThread, ToSessionThread } from './thread-messages.ts';

/** A thread that serves sessions (`serveSessions`), as `worker_threads` has it. */
export interface SessionThread {
  postMessage(message: ToSessionThread, transfer: ArrayBuffer[]): void;
  on(event: 'message', listener: (message: FromSessionThread) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  ref(): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

interface Call {
  readonly resolve: (reply: FromSessionThread) => void;
  readonly reject: (error: Error) => void;
}

/** The run under way and one that lies ready behind it. */
const LANES = 2;

/** Sessions on one other thread, which is started with the first of them. It holds a process open while somebody waits for it. */
export class ThreadSessions {
  readonly #start: () => SessionThread;
  #thread: SessionThread | null = null;
  readonly #calls = new Map<number, Call>();
  readonly #onLost = new Set<() => void>();
  #numbered = 0;

  constructor(start: () => SessionThread) {
    this.#start = start;
  }

  /** An `OpenSession`; `onLost` is called when the thread ends by itself and the session with it. */
  async open(source: GraphSource, onLost: () => void): Promise<OnnxSession> {
    const session = ++this.#numbered;
    const opened = await this.#ask((call) => ({ type: 'open', call, session, source }));
    if (opened.type !== 'opened') throw new Error('the inference thread answered something else');
    this.#onLost.add(onLost);
    return {
      inputs: opened.inputs,
      outputs: opened.outputs,
      lanes: LANES,
      run: async (feeds, fetches) => this.#run(session, feeds, fetches),
      release: () => {
        this.#onLost.delete(onLost);
        this.#thread?.postMessage({ type: 'release', session }, []);
      },
    };
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
  }

  async #run(
    session: number,
    feeds: Readonly<Record<string, InputTensor>>,
    fetches: readonly string[],
  ): Promise<Readonly<Record<string, OutputTensor>>> {
    const packed = packTensors(feeds);
    const ran = await this.#ask(
      (call) => ({ type: 'run', call, session, feeds: packed, fetches }),
      [packed.buffer],
    );
    if (ran.type !== 'ran') throw new Error('the inference thread answered something else');
    return unpackTensors(ran.outputs);
  }

  #ask(
    question: (call: number) => ToSessionThread,
    transfer: ArrayBuffer[] = [],
  ): Promise<FromSessionThread> {
    this.#thread ??= this.#launch();
    const thread = this.#thread;
    const call = ++this.#numbered;
    return new Promise((resolve, reject) => {
      // Who waits for an answer, as at the end of a process, must not find it ended instead.
      if (this.#calls.size === 0) thread.ref();
      this.#calls.set(call, { resolve, reject });
      thread.postMessage(question(call), transfer);
    });
  }

  #launch(): SessionThread {
    const thread = this.#start();
    let reason = 'the inference thread ended';
    thread.on('message', (reply) => {
      const call = this.#calls.get(reply.call);
      this.#calls.delete(reply.call);
      if (this.#calls.size === 0) thread.unref();
      if (reply.type === 'failed') call?.reject(new Error(reply.message));
      else call?.resolve(reply);
    });
    thread.on('error', (error) => {
      reason = `the inference thread failed: ${error.message}`;
    });
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = null;
      for (const { reject } of this.#calls.values()) reject(new Error(reason));
      this.#calls.clear();
      for (const onLost of this.#onLost) onLost();
      this.#onLost.clear();
    });
    thread.unref();
    return thread;
  }
}
