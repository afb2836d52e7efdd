import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../kernel/json.ts';
import { beamSearch } from './beam-search.ts';
import type { Answer } from './decoder.ts';
import { generationSettings } from './generation-settings.ts';
import { EncoderDecoderGraphs, type GraphFiles } from './graphs.ts';
import { greedySearch } from './greedy-search.ts';

/** Answers of Python's `generate` on the same weights, by test/text/make_fixtures.py. */
interface Expected {
  readonly name: string;
  readonly settings: JsonObject;
  readonly answers: readonly {
    readonly input: readonly number[];
    readonly output: readonly number[];
    readonly score?: number;
  }[];
}

const FIXTURES = path.resolve(import.meta.dirname, '../../../../../test/text/fixtures');
const LAYOUTS: readonly (readonly [string, string, string | null])[] = [
  ['marian, merged', 'decoder_model_merged', null],
  ['marian, two decoders', 'decoder_model', 'decoder_with_past_model'],
  ['marian, one decoder without a past', 'decoder_model', null],
  ['t5, merged', 'decoder_model_merged', null],
];

const opened: EncoderDecoderGraphs[] = [];
afterAll(() => Promise.all(opened.map((graphs) => graphs.release())));

const always = (): boolean => true;

function read<Value>(model: string, file: string): Value {
  return JSON.parse(readFileSync(path.join(FIXTURES, model, file), 'utf8'));
}

describe.each(LAYOUTS)('the search of tokens: %s', (name, decoder, decoderWithPast) => {
  const model = name.startsWith('t5') ? 't5' : 'marian';
  const config = read<JsonObject>(model, 'config.json');
  const generation = read<JsonObject>(model, 'generation_config.json');
  const { cases } = read<{ cases: Expected[] }>(model, 'expected.json');
  const graph = (file: string): string => path.join(FIXTURES, model, 'onnx', `${file}.onnx`);
  const files: GraphFiles = {
    encoder: graph('encoder_model'),
    decoder: graph(decoder),
    decoderWithPast: decoderWithPast === null ? null : graph(decoderWithPast),
  };
  const graphs = EncoderDecoderGraphs.open(files, 1).then((open) => {
    opened.push(open);
    return open;
  });

  async function search(inputs: readonly (readonly number[])[], own: JsonObject): Promise<readonly Answer[]> {
    const settings = generationSettings(
      config,
      { ...generation, ...own },
      {
        beams: null,
        maxTokens: 256,
        positions: 64,
      },
    );
    const decoding = await (await graphs).encode(inputs, settings.pad, settings.beams);
    return settings.beams > 1
      ? beamSearch(decoding, inputs.length, settings, always)
      : greedySearch(decoding, inputs.length, settings, { isWanted: always, onTokens: () => undefined });
  }

  it.each(cases)('$name: as Python, each sentence alone', async ({ settings, answers }) => {
    for (const { input, output, score } of answers) {
      const [answer] = await search([input], settings);
      expect(answer?.tokens).toEqual(output);
      if (score !== undefined) expect((answer?.score ?? 0) / score).toBeCloseTo(1, 5);
    }
  });

  it.each(cases)('$name: as Python, all sentences at once', async ({ settings, answers }) => {
    const found = await search(
      answers.map(({ input }) => input),
      settings,
    );
    expect(found.map(({ tokens }) => tokens)).toEqual(answers.map(({ output }) => output));
  });
});
