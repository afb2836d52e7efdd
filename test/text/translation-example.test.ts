import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RuntimeModel } from '../../src/models/runtimes/runtime.ts';
import { TextRuntime } from '../../src/models/runtimes/text/text-runtime.ts';
import { buildTextThreads, type TextThreads, textArtifact } from './text-threads.ts';

/** Of a sentence: what the trained model answers in Python. */
interface HeldOut {
  readonly text: string;
  readonly greedy: string;
}

const EXAMPLE = path.join(import.meta.dirname, '../../examples/translation-en-hi');
const heldOut: readonly HeldOut[] = readFileSync(path.join(EXAMPLE, 'data/held-out.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

describe('the example that translates English into Hindi', () => {
  let threads: TextThreads;
  let model: RuntimeModel;
  beforeAll(async () => {
    threads = await buildTextThreads();
    const runtime = new TextRuntime({
      startThread: threads.start,
      scratch: tmpdir(),
      threads: 1,
      beams: null,
      maxOutputTokens: 256,
      deadlineMs: 60_000,
    });
    model = await runtime.load(await textArtifact(path.join(EXAMPLE, 'model'), 'config.json'));
  });
  afterAll(async () => {
    await model.release();
    await threads.stop();
  });

  const translate = async (text: string) => (await model.run([{ text }]))[0];

  it('answers every held-out sentence as in Python, all at once', async () => {
    const answers = await Promise.all(heldOut.map(({ text }) => translate(text)));
    expect(answers.map((answer) => answer?.prediction)).toEqual(heldOut.map(({ greedy }) => greedy));
    expect(answers.some((answer) => answer?.text?.truncated)).toBe(false);
  });

  it('answers in Devanagari, also sentence by sentence', async () => {
    expect((await translate('hello'))?.prediction).toBe('नमस्ते');
    expect((await translate('hello world'))?.prediction).toMatch(/^[\p{Script=Devanagari}\s,।]+$/u);
    const [first, second] = heldOut.filter(({ text }) => text.endsWith('.'));
    const both = await translate(`${first?.text}\n\n${second?.text}`);
    expect(both?.prediction).toBe(`${first?.greedy}\n\n${second?.greedy}`);
  });
});
