import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type TextThread, TextThreadModel } from './text-thread-model.ts';
import type { FromTextThread, ToTextThread } from './thread-messages.ts';

const FILES = { engine: 'marian', model: 'm', vocabularies: ['v'], shortlist: null, config: null } as const;
const SETTINGS = { threads: 1, beams: null, maxOutputTokens: 8 };
const ANSWER = { text: 'olá', inputTokens: 1, unknownTokens: 0, outputTokens: 1, truncated: false };

/** A thread whose answers a test gives by hand. */
class HandThread extends EventEmitter implements TextThread {
  readonly asked: ToTextThread[] = [];
  isHeld = true;
  hasEnded = false;

  postMessage(message: ToTextThread): void {
    this.asked.push(message);
  }

  reply(message: FromTextThread): void {
    this.emit('message', message);
  }

  ref(): void {
    this.isHeld = true;
  }

  unref(): void {
    this.isHeld = false;
  }

  async terminate(): Promise<void> {
    this.hasEnded = true;
    this.emit('exit');
  }

  /** The number of the last text. */
  get call(): number {
    const asked = this.asked.findLast((message) => message.type === 'translate');
    return asked?.type === 'translate' ? asked.call : -1;
  }
}

function threads() {
  const started: HandThread[] = [];
  const opening = TextThreadModel.open(
    () => {
      started.push(new HandThread());
      return started.at(-1) as HandThread;
    },
    FILES,
    SETTINGS,
  );
  return { started, opening, first: started[0] as HandThread };
}

async function opened() {
  const { started, opening, first } = threads();
  first.reply({ type: 'loaded' });
  return { started, first, model: await opening };
}

/** Calls of a promise that is ready settle in the turn. */
const turn = (): Promise<void> => new Promise(setImmediate);

describe('TextThreadModel', () => {
  it('is there when its thread has loaded the files', async () => {
    const { first, model } = await opened();
    expect(first.asked).toEqual([{ type: 'load', files: FILES, settings: SETTINGS }]);
    expect(model.health).toEqual({ status: 'ok', reason: null });
    expect(first.isHeld).toBe(false);
  });

  it('throws what refused the files, and ends the thread', async () => {
    const { first, opening } = threads();
    first.reply({ type: 'refused', code: 'RUNTIME_MISSING', message: 'npm install it' });
    await expect(opening).rejects.toMatchObject({ code: 'RUNTIME_MISSING', message: 'npm install it' });
    expect(first.hasEnded).toBe(true);
  });

  it('pairs answers and pieces with texts, and holds the process meanwhile', async () => {
    const { first, model } = await opened();
    const pieces: string[] = [];
    const one = model.translate('one');
    const two = model.translate('two', (piece) => pieces.push(piece));
    await turn();
    expect(first.isHeld).toBe(true);
    first.reply({ type: 'piece', call: first.call, piece: 'o' });
    first.reply({ type: 'translated', call: first.call, answer: ANSWER });
    first.reply({ type: 'translated', call: first.call - 1, answer: { ...ANSWER, text: 'um' } });
    expect([(await one).text, (await two).text, pieces]).toEqual(['um', 'olá', ['o']]);
    expect(first.isHeld).toBe(false);
  });

  it('fails a text with INFERENCE_FAILED', async () => {
    const { first, model } = await opened();
    const asked = model.translate('one');
    await turn();
    first.reply({ type: 'failed', call: first.call, message: 'bad shape' });
    await expect(asked).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      message: 'The text model: bad shape',
    });
  });

  it('tells the thread that a caller has gone, and forgets the text', async () => {
    const { first, model } = await opened();
    const gone = new AbortController();
    const asked = model.translate('one', () => undefined, gone.signal);
    await turn();
    gone.abort(new Error('gone'));
    await expect(asked).rejects.toThrow('gone');
    expect(first.asked.at(-1)).toEqual({ type: 'cancel', call: first.call });
    expect(first.isHeld).toBe(false);
    await expect(model.translate('two', null, gone.signal)).rejects.toThrow('gone');
  });

  it('fails what a dead thread had with WORKER_LOST, and starts another at once', async () => {
    const { started, first, model } = await opened();
    const answered = model.translate('one');
    await turn();
    first.reply({ type: 'translated', call: first.call, answer: ANSWER });
    await answered;
    const lost = model.translate('two');
    await turn();
    first.emit('error', new Error('out of memory'));
    first.emit('exit');
    await expect(lost).rejects.toMatchObject({
      code: 'WORKER_LOST',
      message: 'the thread of the text model failed: out of memory',
    });
    expect(started).toHaveLength(2);
    expect(model.health).toEqual({
      status: 'down',
      reason: 'the thread of the text model failed: out of memory',
    });
    const again = model.translate('three');
    const second = started[1] as HandThread;
    second.reply({ type: 'loaded' });
    await turn();
    expect(model.health.status).toBe('ok');
    second.reply({ type: 'translated', call: second.call, answer: ANSWER });
    await expect(again).resolves.toEqual(ANSWER);
  });

  it('does not start threads in a row that die before their first answer', async () => {
    const { started, first, model } = await opened();
    first.emit('exit');
    expect(started).toHaveLength(1);
    const lost = model.translate('one');
    expect(started).toHaveLength(2);
    started[1]?.emit('exit');
    await expect(lost).rejects.toMatchObject({ code: 'WORKER_LOST' });
    expect(started).toHaveLength(2);
    expect(model.health.status).toBe('down');
    void model.translate('two').catch(() => undefined);
    expect(started).toHaveLength(3);
  });

  it('says why a new thread was refused, and tries again with the next text', async () => {
    const { started, first, model } = await opened();
    first.emit('exit');
    const lost = model.translate('one');
    started[1]?.reply({ type: 'refused', code: 'MODEL_UNREADABLE', message: 'the disk is gone' });
    await expect(lost).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' });
    expect(model.health).toEqual({ status: 'down', reason: 'the disk is gone' });
    const again = model.translate('two');
    const third = started[2] as HandThread;
    third.reply({ type: 'loaded' });
    await turn();
    third.reply({ type: 'translated', call: third.call, answer: ANSWER });
    await expect(again).resolves.toEqual(ANSWER);
  });

  it('ends the thread when it is released, and starts none', async () => {
    const { started, first, model } = await opened();
    await model.release();
    expect(first.hasEnded).toBe(true);
    expect(started).toHaveLength(1);
  });
});
