import { describe, expect, it } from 'vitest';
import { LONGEST_TEXT } from './sentences.ts';
import type { SentenceListener, SentenceTranslation, TextEngine } from './text-engine.ts';
import { TranslationQueue } from './translation-queue.ts';

/** Writes sentences in capitals, in pieces of a word, when the test lets a batch go. */
class CapitalEngine implements TextEngine {
  readonly batchSentences = 4;
  readonly batches: (readonly string[])[] = [];
  readonly #isHeld: boolean;
  #letGo: (() => void)[] = [];

  constructor(isHeld = false) {
    this.#isHeld = isHeld;
  }

  async translate(
    sentences: readonly string[],
    listener: SentenceListener,
  ): Promise<readonly SentenceTranslation[]> {
    this.batches.push(sentences);
    if (this.#isHeld) await new Promise<void>((resolve) => this.#letGo.push(resolve));
    // The last sentence comes first, as the shortest of a batch may.
    for (const [place, sentence] of [...sentences.entries()].reverse())
      for (const word of sentence.toUpperCase().split(/(?= )/))
        if (listener.isWanted(place)) listener.onPiece(place, word);
    if (sentences.includes('Bad!')) throw new Error('no such sentence');
    return sentences.map((sentence) => ({
      text: sentence.toUpperCase(),
      inputTokens: sentence.length,
      unknownTokens: 1,
      outputTokens: 2,
      truncated: sentence === 'Long.',
    }));
  }

  /** Lets the batch under way go, once there is one. */
  async next(): Promise<void> {
    while (this.#letGo.length === 0) await new Promise(setImmediate);
    this.#letGo.shift()?.();
  }

  async release(): Promise<void> {}
}

describe('TranslationQueue', () => {
  it('joins a text again, and adds up what is known of its sentences', async () => {
    const queue = new TranslationQueue(new CapitalEngine());
    expect(await queue.translate('One.  Two!\n\nLong.\n')).toEqual({
      text: 'ONE.  TWO!\n\nLONG.',
      inputTokens: 13,
      unknownTokens: 3,
      outputTokens: 6,
      truncated: true,
    });
  });

  it('says that a text was cut', async () => {
    const answer = await new TranslationQueue(new CapitalEngine()).translate('x'.repeat(LONGEST_TEXT + 1));
    expect(answer).toMatchObject({ text: 'X'.repeat(LONGEST_TEXT), truncated: true });
  });

  it('asks nobody for a text without a sentence', async () => {
    const engine = new CapitalEngine();
    const none = { inputTokens: 0, unknownTokens: 0, outputTokens: 0, truncated: false };
    expect(await new TranslationQueue(engine).translate(' \n')).toEqual({ text: '', ...none });
    expect(engine.batches).toEqual([]);
  });

  it('translates sentences of several texts together, one of each in turn', async () => {
    const engine = new CapitalEngine();
    const queue = new TranslationQueue(engine);
    const texts = ['a1! a2! a3! a4! a5! a6!', 'b1!', 'c1! c2!'];
    const answers = await Promise.all(texts.map((text) => queue.translate(text)));
    expect(answers.map(({ text }) => text)).toEqual(texts.map((text) => text.toUpperCase()));
    expect(engine.batches).toEqual([['a1!', 'b1!', 'c1!', 'a2!'], ['c2!', 'a3!', 'a4!', 'a5!'], ['a6!']]);
  });

  it('lets a short text overtake a long one', async () => {
    const engine = new CapitalEngine(true);
    const queue = new TranslationQueue(engine);
    const long = queue.translate('x! '.repeat(20));
    while (engine.batches.length === 0) await new Promise(setImmediate);
    const short = queue.translate('short.');
    await engine.next();
    await engine.next();
    await expect(short).resolves.toMatchObject({ text: 'SHORT.' });
    for (let batch = 0; batch < 4; batch += 1) await engine.next();
    await expect(long).resolves.toMatchObject({ text: 'X! '.repeat(20).trim() });
  });

  it('hands on pieces in the order of the text, which together are the answer', async () => {
    const pieces: string[] = [];
    const queue = new TranslationQueue(new CapitalEngine());
    const text = ' one two.  three four!\nfive. six! seven eight. ';
    const answer = await queue.translate(text, (piece) => pieces.push(piece));
    expect(pieces.join('')).toBe(answer.text);
    expect(answer.text).toBe(text.toUpperCase().trim());
    expect(pieces.length).toBeGreaterThan(5);
  });

  it('ends a text whose caller has gone, and takes no more of it', async () => {
    const engine = new CapitalEngine(true);
    const queue = new TranslationQueue(engine);
    const gone = new AbortController();
    const pieces: string[] = [];
    const long = queue.translate('x! '.repeat(20), (piece) => pieces.push(piece), gone.signal);
    while (engine.batches.length === 0) await new Promise(setImmediate);
    gone.abort(new Error('gone'));
    await expect(long).rejects.toThrow('gone');
    await engine.next();
    const next = queue.translate('next.');
    await engine.next();
    await expect(next).resolves.toMatchObject({ text: 'NEXT.' });
    expect(engine.batches).toEqual([['x!', 'x!', 'x!', 'x!'], ['next.']]);
    expect(pieces).toEqual([]);
  });

  it('fails the texts of a batch that fails, and goes on', async () => {
    const queue = new TranslationQueue(new CapitalEngine());
    await expect(queue.translate('Good! Bad! Other!')).rejects.toThrow('no such sentence');
    await expect(queue.translate('Good!')).resolves.toMatchObject({ text: 'GOOD!' });
  });
});
