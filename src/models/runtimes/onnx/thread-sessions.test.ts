import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { packTensors, unpackTensors } from './packed-tensors.ts';
import type { FromSessionThread, ToSessionThread } from './thread-messages.ts';
import { type SessionThread, ThreadSessions } from './thread-sessions.ts';

const SOURCE = { model: new Uint8Array(), externalData: [] };

/** A thread whose answers a test gives by hand. */
class HandThread extends EventEmitter implements SessionThread {
  readonly asked: ToSessionThread[] = [];

  postMessage(message: ToSessionThread, transfer: ArrayBuffer[]): void {
    this.asked.push(structuredClone(message, { transfer }));
  }

  reply(message: FromSessionThread): void {
    this.emit('message', message);
  }

  isHeld = false;

  ref(): void {
    this.isHeld = true;
  }

  unref(): void {
    this.isHeld = false;
  }

  async terminate(): Promise<void> {
    this.emit('exit');
  }
}

async function opened() {
  const started: HandThread[] = [];
  const sessions = new ThreadSessions(() => {
    const thread = new HandThread();
    started.push(thread);
    return thread;
  });
  const onLost = vi.fn();
  const opening = sessions.open(SOURCE, onLost);
  const thread = started[0] as HandThread;
  thread.reply({ type: 'opened', call: callOf(thread.asked[0]), inputs: [], outputs: [] });
  return { sessions, started, thread, onLost, session: await opening };
}

function callOf(message: ToSessionThread | undefined): number {
  return message !== undefined && 'call' in message ? message.call : -1;
}

const feed = (...numbers: number[]) => ({
  x: { type: 'float32' as const, data: Float32Array.from(numbers), dims: [numbers.length, 1] },
});

const answered = (value: number) => ({
  y: { type: 'float32' as const, data: Float32Array.of(value), dims: [1] },
});

describe('ThreadSessions', () => {
  it('pairs answers with runs, whichever comes first', async () => {
    const { thread, session } = await opened();
    const runs = [1, 2].map(async (x) => session.run(feed(x), ['y']));
    const [, first, second] = thread.asked;
    const answer = (call: number, value: number): void =>
      thread.reply({ type: 'ran', call, outputs: packTensors(answered(value)) });
    answer(callOf(second), 20);
    answer(callOf(first), 10);
    expect((await Promise.all(runs)).map((outputs) => outputs['y']?.data[0])).toEqual([10, 20]);
  });

  it('leaves the feeds to their owner', async () => {
    const { thread, session } = await opened();
    const feeds = feed(1, 2);
    void Promise.resolve(session.run(feeds, ['y'])).catch(() => undefined);
    feeds.x.data.fill(9);
    const asked = thread.asked[1];
    expect(asked?.type === 'run' && unpackTensors(asked.feeds)).toEqual(feed(1, 2));
  });

  it('holds the process while an answer is on its way, and not longer', async () => {
    const { thread, session } = await opened();
    expect(thread.isHeld).toBe(false);
    const run = session.run(feed(1), ['y']);
    expect(thread.isHeld).toBe(true);
    thread.reply({ type: 'ran', call: callOf(thread.asked[1]), outputs: packTensors({}) });
    await run;
    expect(thread.isHeld).toBe(false);
  });

  it('passes on why a run failed', async () => {
    const { thread, session } = await opened();
    const run = session.run(feed(1), ['y']);
    thread.reply({ type: 'failed', call: callOf(thread.asked[1]), message: 'bad shape' });
    await expect(run).rejects.toThrow('bad shape');
  });

  it('fails what is under way when the thread ends, tells the owner, and starts another', async () => {
    const { sessions, started, thread, session, onLost } = await opened();
    const run = session.run(feed(1), ['y']);
    thread.emit('error', new Error('out of memory'));
    thread.emit('exit');
    await expect(run).rejects.toThrow('the inference thread failed: out of memory');
    expect(onLost).toHaveBeenCalledTimes(1);
    void sessions.open(SOURCE, () => undefined).catch(() => undefined);
    expect(started).toHaveLength(2);
  });

  it('loses nobody when it is closed after its sessions', async () => {
    const { sessions, session, onLost } = await opened();
    await session.release();
    await sessions.close();
    expect(onLost).not.toHaveBeenCalled();
  });
});
