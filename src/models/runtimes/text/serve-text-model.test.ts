import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, it, vi } from 'vitest';
import { AppError } from '../../../kernel/errors.ts';
import { type OpenTextEngine, serveTextModel } from './serve-text-model.ts';
import { BrokenEngineError, type TextEngine } from './text-engine.ts';
import type { FromTextThread, ToTextThread } from './thread-messages.ts';

const LOAD: ToTextThread = {
  type: 'load',
  files: { engine: 'marian', model: 'm', vocabularies: ['v'], shortlist: null, config: null },
  settings: { threads: 1, beams: null, maxOutputTokens: 8 },
};
const ANSWER = { inputTokens: 1, unknownTokens: 0, outputTokens: 1, truncated: false };

const channels: MessageChannel[] = [];
afterEach(() => {
  for (const { port1 } of channels.splice(0)) port1.close();
});

function serve(open: OpenTextEngine) {
  const channel = new MessageChannel();
  channels.push(channel);
  const onBroken = vi.fn();
  serveTextModel(channel.port2, open, onBroken);
  return {
    onBroken,
    async ask(message: ToTextThread): Promise<FromTextThread> {
      channel.port1.postMessage(message);
      const [answer] = await once(channel.port1, 'message');
      return answer;
    },
    say: (message: ToTextThread) => channel.port1.postMessage(message),
  };
}

function engine(translate: TextEngine['translate']): OpenTextEngine {
  return async () => ({ batchSentences: 4, translate, release: async () => undefined });
}

const text = (call: number): ToTextThread => ({
  type: 'translate',
  call,
  text: 'Hello.',
  wantsPieces: false,
});

it('answers a text by its number once a model is loaded', async () => {
  const { ask } = serve(
    engine(async (sentences) => sentences.map((each) => ({ text: `${each}!`, ...ANSWER }))),
  );
  expect(await ask(text(1))).toEqual({ type: 'failed', call: 1, message: 'no model is loaded' });
  expect(await ask(LOAD)).toEqual({ type: 'loaded' });
  expect(await ask(text(2))).toEqual({ type: 'translated', call: 2, answer: { text: 'Hello.!', ...ANSWER } });
});

it('says what refused a model', async () => {
  const missing = new AppError('RUNTIME_MISSING', 'npm install it');
  const refused = async (error: Error) => serve(() => Promise.reject(error)).ask(LOAD);
  expect(await refused(missing)).toEqual({
    type: 'refused',
    code: 'RUNTIME_MISSING',
    message: 'npm install it',
  });
  expect(await refused(new Error('bad bytes'))).toEqual({
    type: 'refused',
    code: 'MODEL_UNREADABLE',
    message: 'bad bytes',
  });
});

it('passes on why a text failed, and goes on', async () => {
  let fails = true;
  const { ask, onBroken } = serve(
    engine(async (sentences) => {
      if (fails) throw new Error('bad shape');
      return sentences.map((each) => ({ text: each, ...ANSWER }));
    }),
  );
  await ask(LOAD);
  expect(await ask(text(1))).toEqual({ type: 'failed', call: 1, message: 'bad shape' });
  fails = false;
  expect(await ask(text(2))).toMatchObject({ type: 'translated', call: 2 });
  expect(onBroken).not.toHaveBeenCalled();
});

it('ends with an engine that can do nothing more, and says nothing of it', async () => {
  const { ask, say, onBroken } = serve(
    engine(async () => {
      throw new BrokenEngineError('Bergamot: unreachable');
    }),
  );
  await ask(LOAD);
  say(text(1));
  await vi.waitFor(() => expect(onBroken).toHaveBeenCalledTimes(1));
});

it('ends a text that is cancelled', async () => {
  const { ask, say } = serve(engine((_, { isWanted }) => untilUnwanted(isWanted)));
  await ask(LOAD);
  say(text(1));
  expect(await ask({ type: 'cancel', call: 1 })).toMatchObject({ type: 'failed', call: 1 });
});

async function untilUnwanted(isWanted: (place: number) => boolean) {
  while (isWanted(0)) await new Promise(setImmediate);
  return [{ text: '', ...ANSWER }];
}
