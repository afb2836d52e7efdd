import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { mustEnd, testPackage } from '../../../../test/support/python-model.ts';
import { type Frame, FrameReader, frameBytes } from './workers/frames.ts';

/** The worker by itself, with the test in the place of the server. */
class LoneWorker {
  readonly child = spawn('python3', ['-u', '-m', 'slipway_worker', '--fd', '3'], {
    cwd: testPackage(),
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  readonly ended = once(this.child, 'exit');
  readonly channel = this.child.stdio[3] as Duplex;
  readonly #reader = new FrameReader();
  readonly #read: Frame[] = [];
  #errors = '';

  constructor() {
    mustEnd(this.child.pid);
    this.channel.on('data', (piece: Buffer) => this.#read.push(...this.#reader.push(piece)));
    this.channel.on('error', () => undefined);
    this.child.stderr?.on('data', (piece: Buffer) => {
      this.#errors += String(piece);
    });
  }

  async next(): Promise<Frame['header']> {
    while (this.#read.length === 0) await once(this.channel, 'data');
    return this.#read.shift()?.header ?? {};
  }

  send(header: object): void {
    this.channel.write(frameBytes(JSON.stringify(header)) as Buffer);
  }

  /** Exit code, signal and the last line of what it says of it. */
  async end(): Promise<readonly unknown[]> {
    const [code, signal] = await this.ended;
    if (this.child.stderr?.readableEnded === false) await once(this.child.stderr, 'end');
    return [code, signal, this.#errors.trim().split('\n').at(-1)];
  }
}

async function greeted(): Promise<LoneWorker> {
  const worker = new LoneWorker();
  expect(await worker.next()).toEqual({
    type: 'hello',
    protocol: 1,
    pid: worker.child.pid,
    python: expect.stringMatching(/^3\.\d+\.\d+/),
  });
  return worker;
}

it('ends when it is told to', async () => {
  const worker = await greeted();
  worker.send({ type: 'stop' });
  expect(await worker.end()).toEqual([0, null, '']);
});

it('ends, with all that it started, when the server is gone', async () => {
  const worker = await greeted();
  worker.channel.destroy();
  expect(await worker.end()).toEqual([null, 'SIGKILL', '']);
});

it.each<[string, Buffer, string]>([
  ['a header that is not JSON', frameBytes('{nonsense') as Buffer, 'a header is not JSON'],
  ['a header that is no object', frameBytes('[1]') as Buffer, 'a header is not an object'],
  ['a frame past the bounds', Buffer.alloc(8, 0xff), 'a frame of 4294967295 + 4294967295 bytes is too large'],
  ['rows before a model', frameBytes('{"type":"predict"}') as Buffer, 'predict came before load'],
])('refuses %s', async (_what, bytes, message) => {
  const worker = await greeted();
  worker.channel.write(bytes);
  const [code, , line] = await worker.end();
  expect([code, line]).toEqual([1, expect.stringContaining(`ProtocolError: ${message}`)]);
});

it('refuses a frame that is torn', async () => {
  const worker = await greeted();
  worker.channel.end((frameBytes('{"type":"stop"}') as Buffer).subarray(0, 12));
  const [code, , line] = await worker.end();
  expect([code, line]).toEqual([1, expect.stringContaining('the connection ended inside a frame')]);
});
