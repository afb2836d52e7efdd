import { expect, it } from 'vitest';
import type { Decoder } from './decoder.ts';
import { generationSettings } from './generation-settings.ts';
import { greedySearch } from './greedy-search.ts';

const SETTINGS = generationSettings({ decoder_start_token_id: 0, eos_token_id: 1 }, null, {
  beams: null,
  maxTokens: 4,
  positions: null,
});

/** Counts up from 2 in each row; says which rows it was asked for. */
class CountingDecoder implements Decoder {
  readonly asked: (readonly number[])[] = [];
  readonly selected: (readonly number[])[] = [];

  async step(tokens: readonly number[]) {
    this.asked.push(tokens);
    const scores = tokens.flatMap((token) =>
      Array.from({ length: 8 }, (_, next) => Number(next === Math.max(2, token + 1))),
    );
    return { scores: Float32Array.from(scores), vocabulary: 8 };
  }

  select(rows: readonly number[]): void {
    this.selected.push(rows);
  }
}

it('goes on without the sentences that nobody wants any more', async () => {
  const decoder = new CountingDecoder();
  const seen: string[] = [];
  const answers = await greedySearch(decoder, 3, SETTINGS, {
    isWanted: (sentence) => sentence !== 1,
    onTokens: (sentence, tokens) => seen.push(`${sentence}: ${tokens.join(' ')}`),
  });
  expect(answers.map(({ tokens }) => tokens)).toEqual([[2, 3, 4, 5], [2], [2, 3, 4, 5]]);
  expect(answers.map(({ ended }) => ended)).toEqual([false, false, false]);
  expect(decoder.asked).toEqual([
    [0, 0, 0],
    [2, 2],
    [3, 3],
    [4, 4],
  ]);
  expect(decoder.selected).toEqual([[0, 2]]);
  expect(seen.slice(0, 4)).toEqual(['0: 0 2', '1: 0 2', '2: 0 2', '0: 0 2 3']);
});

it('stops when nobody wants any', async () => {
  const decoder = new CountingDecoder();
  await greedySearch(decoder, 2, SETTINGS, { isWanted: () => false, onTokens: () => undefined });
  expect(decoder.asked).toHaveLength(1);
});
