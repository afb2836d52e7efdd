import { argmax } from '../../../../kernel/argmax.ts';
import type { Answer, Decoder } from './decoder.ts';
import type { GenerationSettings } from './generation-settings.ts';
import { tokenRules } from './token-rules.ts';

export interface GreedyListener {
  isWanted(sentence: number): boolean;
  /** The tokens of a sentence so far, the decoder's start first. */
  onTokens(sentence: number, tokens: readonly number[]): void;
}

/** The best token at each step, for `sentences` rows of a decoder. A row that has ended costs nothing more. */
export async function greedySearch(
  decoder: Decoder,
  sentences: number,
  settings: GenerationSettings,
  listener: GreedyListener,
): Promise<readonly Answer[]> {
  const rules = tokenRules(settings);
  const rows = Array.from({ length: sentences }, () => [settings.decoderStart]);
  const ended = new Array<boolean>(sentences).fill(false);
  let active = rows.map((_, sentence) => sentence);
  for (let count = 1; count <= settings.maxTokens && active.length > 0; count += 1) {
    const { scores, vocabulary } = await decoder.step(active.map((sentence) => last(rows[sentence])));
    const left: number[] = [];
    active.forEach((sentence, place) => {
      const row = rows[sentence] as number[];
      const own = scores.subarray(place * vocabulary, (place + 1) * vocabulary);
      for (const rule of rules) rule(row, own);
      const token = argmax(own);
      row.push(token);
      ended[sentence] = settings.ends.includes(token);
      listener.onTokens(sentence, row);
      if (!ended[sentence] && listener.isWanted(sentence)) left.push(place);
    });
    if (left.length < active.length && left.length > 0) decoder.select(left);
    active = left.map((place) => active[place] as number);
  }
  return rows.map((row, sentence) => ({
    tokens: row.slice(1),
    ended: ended[sentence] === true,
    score: null,
  }));
}

function last(row: readonly number[] | undefined): number {
  return row?.at(-1) ?? 0;
}
