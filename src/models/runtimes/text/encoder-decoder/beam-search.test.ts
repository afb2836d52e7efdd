import { expect, it } from 'vitest';
import { beamSearch } from './beam-search.ts';
import type { Decoder } from './decoder.ts';
import { generationSettings } from './generation-settings.ts';

const [START, END] = [0, 1];

/** Knows what may follow what, by the tokens so far, as probabilities of the four tokens. */
class TableDecoder implements Decoder {
  readonly #table: Readonly<Record<string, readonly number[]>>;
  #read: (readonly number[])[];

  constructor(rows: number, table: Readonly<Record<string, readonly number[]>>) {
    this.#table = table;
    this.#read = Array.from({ length: rows }, () => []);
  }

  async step(tokens: readonly number[]) {
    this.#read = this.#read.map((read, row) => [...read, tokens[row] ?? START]);
    const scores = this.#read.flatMap(
      (read) => this.#table[read.slice(1).join(' ')] ?? [0.01, 0.97, 0.01, 0.01],
    );
    return { scores: Float32Array.from(scores, Math.log), vocabulary: 4 };
  }

  select(rows: readonly number[]): void {
    this.#read = rows.map((row) => this.#read[row] ?? []);
  }
}

async function search(
  table: Readonly<Record<string, readonly number[]>>,
  own: Record<string, number | boolean>,
) {
  const settings = generationSettings({ decoder_start_token_id: START, eos_token_id: END }, own, {
    beams: 2,
    maxTokens: 5,
    positions: null,
  });
  const [answer] = await beamSearch(new TableDecoder(2, table), 1, settings, () => true);
  return answer;
}

it('takes no answer that is not among the best continuations', async () => {
  const table = {
    '': [0.01, 0.01, 0.5, 0.48],
    // The end of "3" is the third best of this step, and would fill the answers, with which an early stop is content.
    '2': [0.05, 0.45, 0.4, 0.1],
    '3': [0.05, 0.35, 0.3, 0.3],
  };
  const answer = await search(table, { early_stopping: true, length_penalty: 2 });
  expect(answer?.tokens).toEqual([2, 2, END]);
});

it('finds what the best first token hides', async () => {
  const table = {
    '': [0.01, 0.01, 0.5, 0.48],
    '2': [0.3, 0.3, 0.2, 0.2],
    '3': [0.01, 0.01, 0.01, 0.97],
  };
  const answer = await search(table, {});
  expect(answer).toMatchObject({ tokens: [3, 3, END], ended: true });
  expect(answer?.score).toBeCloseTo(Math.log(0.48 * 0.97 * 0.97) / 3, 5);
});

it('answers with what it has at the longest, and says that it has no end', async () => {
  const forever = [0.01, 0.01, 0.97, 0.01];
  const table = { '': forever, '2': forever, '2 2': forever, '2 2 2': forever, '2 2 2 2': forever };
  expect(await search(table, {})).toMatchObject({ tokens: [2, 2, 2, 2, 2], ended: false });
});

it('stops where nobody wants the sentence any more', async () => {
  const settings = generationSettings(
    { decoder_start_token_id: START, eos_token_id: END },
    {},
    {
      beams: 2,
      maxTokens: 5,
      positions: null,
    },
  );
  const [answer] = await beamSearch(new TableDecoder(2, { '': [0, 0, 1, 0] }), 1, settings, () => false);
  expect(answer?.tokens).toHaveLength(1);
});
