import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toUSVString } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ModelArtifact, RuntimeModel } from '../../src/models/runtimes/runtime.ts';
import { TextRuntime, type TextRuntimeOptions } from '../../src/models/runtimes/text/text-runtime.ts';
import { buildTextThreads, type TextThreads, textArtifact } from './text-threads.ts';

interface Expected {
  readonly sentences: readonly string[];
  readonly cases: readonly {
    readonly name: string;
    readonly answers: readonly {
      readonly input: number[];
      readonly output: number[];
      readonly text: string;
    }[];
  }[];
}

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const marian: Expected = JSON.parse(readFileSync(path.join(FIXTURES, 'marian/expected.json'), 'utf8'));
const NEVER = new AbortController().signal;
/** Takes seconds. */
const LONG = 'where is the station? '.repeat(2_000);

function answersOf(name: string): Expected['cases'][number]['answers'] {
  return marian.cases.find((each) => each.name === name)?.answers ?? [];
}

describe('encoder–decoder models on their thread', () => {
  let threads: TextThreads;
  let scratch: string;
  let artifact: ModelArtifact;
  const models: RuntimeModel[] = [];
  beforeAll(async () => {
    threads = await buildTextThreads();
    artifact = await textArtifact(path.join(FIXTURES, 'marian'), 'config.json', /expected/);
  });
  beforeEach(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'text-models-'));
  });
  afterEach(async () => {
    for (const model of models.splice(0)) await model.release();
    rmSync(scratch, { recursive: true });
  });
  afterAll(() => threads.stop());

  async function open(
    options: Partial<TextRuntimeOptions> = {},
    files: ModelArtifact['files'] = artifact.files,
  ): Promise<RuntimeModel> {
    const runtime = new TextRuntime({
      startThread: threads.start,
      scratch,
      threads: 1,
      beams: null,
      maxOutputTokens: 256,
      deadlineMs: 60_000,
      ...options,
    });
    const model = await runtime.load({ ...artifact, files });
    models.push(model);
    return model;
  }

  const without = (left: RegExp): ReadonlyMap<string, Uint8Array> =>
    new Map([...artifact.files].filter(([name]) => !left.test(name)));
  const withFile = (name: string, text: string): ReadonlyMap<string, Uint8Array> =>
    new Map(artifact.files).set(name, Buffer.from(text));

  it.each([
    ['greedy', null],
    ['beam 2', 2],
    ['beam 4', 4],
  ])('%s: texts, counts and truncation are those of Python', async (name, beams) => {
    const model = await open({ beams });
    const answers = await model.run(marian.sentences.map((text) => ({ text })));
    answersOf(name).forEach(({ input, output, text }, i) => {
      // Python gives a text without a word its end of a text; here nobody is asked.
      if (marian.sentences[i] === '') return;
      expect(answers[i]).toEqual({
        prediction: text,
        probabilities: null,
        text: {
          inputTokens: input.length,
          outputTokens: output.length,
          truncated: output.length === 23,
        },
      });
    });
  });

  it('says what it takes and answers with', async () => {
    const { signature, lanes, health } = await open();
    expect(signature.fields).toEqual([
      { name: 'text', type: 'string', shape: [], required: true, nullable: false },
    ]);
    expect(signature.output).toEqual({ task: 'text' });
    expect(signature.tensors.outputs).toEqual([
      { name: 'translation', type: 'string', shape: [], holds: { is: 'prediction' } },
    ]);
    expect(lanes).toBeGreaterThan(1);
    expect(health).toBeDefined();
  });

  it('stops at the longest answer, and says so', async () => {
    const [answer] = await (await open({ maxOutputTokens: 3 })).run([{ text: 'hello world' }]);
    expect(answer?.prediction).toBe(answersOf('greedy, 3 new tokens')[0]?.text);
    expect(answer?.text).toMatchObject({ outputTokens: 3, truncated: true });
  });

  it('gives the model as much of a sentence as it takes, and says so', async () => {
    const [answer] = await (await open()).run([{ text: 'hello world '.repeat(500) }]);
    expect(answer?.text).toMatchObject({ inputTokens: 64, truncated: true });
  });

  it.each([null, 4])('streams pieces that together are the answer (beams: %s)', async (beams) => {
    const model = await open({ beams });
    const pieces: string[] = [];
    const text = 'how are you?\n\nनमस्ते दुनिया। hello world.  ';
    const answer = await model.stream?.({ text }, (piece) => pieces.push(piece), NEVER);
    expect(pieces.join('')).toBe(answer?.prediction);
    expect(answer).toEqual((await model.run([{ text }]))[0]);
    expect(pieces.length).toBeGreaterThanOrEqual(3);
  });

  it('streams a sentence word by word', async () => {
    const pieces: string[] = [];
    await (await open()).stream?.({ text: 'how are you' }, (piece) => pieces.push(piece), NEVER);
    expect(pieces).toEqual(['आप', ' कैसे', ' हैं']);
  });

  it('ends a stream whose caller has gone', async () => {
    const model = await open();
    const gone = new AbortController();
    let pieces = 0;
    const streaming = model.stream?.(
      { text: LONG },
      () => {
        pieces += 1;
        if (pieces === 5) gone.abort(new Error('gone'));
      },
      gone.signal,
    );
    await expect(streaming).rejects.toThrow('gone');
    const [answer] = await model.run([{ text: 'how are you' }]);
    expect(answer?.prediction).toBe('आप कैसे हैं');
    expect(pieces).toBe(5);
  });

  it('gives a text up at the deadline', async () => {
    const model = await open({ deadlineMs: 200 });
    await expect(model.run([{ text: LONG }])).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const gone = new AbortController();
    const streaming = model.stream?.({ text: LONG }, () => gone.abort(), gone.signal);
    await expect(streaming).rejects.toThrow();
  });

  it('answers a short text while a long one is under way', async () => {
    const model = await open();
    const order: string[] = [];
    const gone = new AbortController();
    const long = model
      .stream?.({ text: LONG }, () => undefined, gone.signal)
      .then(
        () => order.push('long'),
        () => order.push('ended'),
      );
    await model.run([{ text: 'hello world' }]).then(() => order.push('short'));
    gone.abort();
    await long;
    expect(order).toEqual(['short', 'ended']);
  });

  it('fails what its thread had when that dies, and goes on with another', async () => {
    const model = await open();
    await model.run([{ text: 'hello world' }]);
    const before = threads.started.length;
    const lost = model.run([{ text: LONG }]);
    const failing = expect(lost).rejects.toMatchObject({ code: 'WORKER_LOST' });
    await threads.started.at(-1)?.terminate();
    await failing;
    expect(model.health?.()).toMatchObject({ status: 'down' });
    expect(threads.started.length).toBe(before + 1);
    const [answer] = await model.run([{ text: 'how are you' }]);
    expect(answer?.prediction).toBe('आप कैसे हैं');
    expect(model.health?.()).toEqual({ status: 'ok', reason: null });
  });

  it('leaves no thread and no file behind', async () => {
    const model = await open();
    const thread = threads.started.at(-1);
    expect(readdirSync(scratch)).toHaveLength(1);
    models.splice(0);
    await model.release();
    expect(readdirSync(scratch)).toEqual([]);
    expect(thread?.threadId).toBe(-1);
  });

  it.each([
    '\0',
    '\ud83d hello \udc4b',
    '👩‍👩‍👧 नमस्ते e\u0301 漢字',
    'a\0b\u0001\u001b[31m',
    '\u0301\u0301',
    '>>hin<< hello',
  ])('answers with well-formed text whatever it is given: %j', async (text) => {
    const [answer] = await (await open({ beams: 2 })).run([{ text }]);
    expect(toUSVString(String(answer?.prediction))).toBe(answer?.prediction);
    expect(answer?.text?.inputTokens).toBeGreaterThan(0);
  });

  it.each([
    [/encoder_model/, 'MODEL_UNREADABLE', 'has no onnx/encoder_model.onnx'],
    [/decoder_/, 'MODEL_UNREADABLE', 'has no onnx/decoder_model_merged.onnx'],
    [/^tokenizer.json/, 'MODEL_UNREADABLE', 'has no tokenizer.json'],
    [/^config.json/, 'MODEL_UNREADABLE', 'has no config.json'],
  ])('says what is missing without %s', async (left, code, message) => {
    await expect(open({}, without(left))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(readdirSync(scratch)).toEqual([]);
  });

  it.each([
    ['config.json', '{"is_encoder_decoder": false}', 'MODEL_UNSUPPORTED', 'no encoder–decoder'],
    ['config.json', 'no json', 'MODEL_UNREADABLE', 'config.json'],
    ['config.json', '[]', 'MODEL_UNREADABLE', 'config.json is no JSON object'],
    ['generation_config.json', '{"do_sample": true}', 'MODEL_UNSUPPORTED', 'do_sample: true'],
    ['generation_config.json', '}', 'MODEL_UNREADABLE', 'generation_config.json'],
    ['tokenizer.json', '{}', 'MODEL_UNREADABLE', 'tokenizer.json'],
    ['onnx/encoder_model.onnx', 'no graph', 'MODEL_UNREADABLE', 'encoder_model.onnx'],
    ['onnx/decoder_model_merged.onnx', '', 'MODEL_UNREADABLE', 'decoder_model_merged.onnx'],
  ])('refuses %s with %j', async (name, content, code, message) => {
    await expect(open({}, withFile(name, content))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('refuses a graph in the place of another', async () => {
    const encoder = artifact.files.get('onnx/encoder_model.onnx') as Uint8Array;
    const files = new Map(artifact.files).set('onnx/decoder_model_merged.onnx', encoder);
    await expect(open({}, files)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('decoder_model_merged.onnx has no output "logits"'),
    });
  });

  it('refuses a declared signature of something else', async () => {
    const runtime = new TextRuntime({
      startThread: threads.start,
      scratch,
      threads: 1,
      beams: null,
      maxOutputTokens: 256,
      deadlineMs: 60_000,
    });
    const column = { name: 'age', type: 'double', required: true, shape: null };
    const declared = { ...artifact.declared, inputs: [column] };
    await expect(runtime.load({ ...artifact, declared })).rejects.toMatchObject({
      code: 'SIGNATURE_MISMATCH',
    });
    expect(existsSync(scratch)).toBe(true);
  });
});
