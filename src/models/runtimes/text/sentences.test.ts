import { describe, expect, it } from 'vitest';
import { joinSentences, LONGEST_TEXT, splitSentences } from './sentences.ts';

describe('splitSentences', () => {
  it.each([
    ['Hello world! How are you?', ['Hello world!', 'How are you?']],
    ['नमस्ते। आप कैसे हैं? ठीक।', ['नमस्ते।', 'आप कैसे हैं?', 'ठीक।']],
    ['你好。再见！', ['你好。', '再见！']],
    ['one line\nanother\r\n\r\n  third', ['one line', 'another', 'third']],
    [
      'Mr. Smith met J. Doe at No. 5, e.g. here. He left.',
      ['Mr. Smith met J. Doe at No. 5, e.g. here.', 'He left.'],
    ],
    ['Version 2.0 costs 3.50 now.', ['Version 2.0 costs 3.50 now.']],
    ['👩‍👩‍👧 e\u0301té. 😀', ['👩‍👩‍👧 e\u0301té.', '😀']],
    ['', []],
    [' \n\t\u2029 ', []],
  ])('%j', (text, sentences) => {
    expect(splitSentences(text).sentences).toEqual(sentences);
  });

  it.each([
    'Hello world!  How are you?\n',
    '\n\n  a.\tb.\r\n\u2028c.\r d. \v\f\u0085 ',
    'नमस्ते।\n\nआप कैसे हैं?',
    'no end',
    'nul \0 in. it',
    '',
    '   ',
  ])('keeps what stands between the sentences of %j', (text) => {
    const split = splitSentences(text);
    expect(joinSentences(split, split.sentences)).toBe(text.replace(/^[\s\u0085]+|[\s\u0085]+$/g, ''));
    for (const gap of split.between) expect(gap).toMatch(/^[\s\u0085]*$/);
  });

  it('finds the sentences of a long line that it finds of a short one', () => {
    const line = `${'A word. '.repeat(200)}${'B'.repeat(5_000)}. C d. ${'E f! '.repeat(300)}`;
    const parts = line.match(/.*?[.!] /g) ?? [];
    expect(splitSentences(line).sentences).toEqual(parts.map((part) => part.trim()));
  });

  it('makes half of a surrogate pair the replacement character', () => {
    expect(splitSentences('a \ud83d b.').sentences).toEqual(['a \ufffd b.']);
  });

  it('takes so much of a text and says that it was cut', () => {
    const split = splitSentences('A word. '.repeat(20_000));
    expect(split.cut).toBe(true);
    expect(joinSentences(split, split.sentences)).toHaveLength(LONGEST_TEXT - 1);
    expect(splitSentences('x'.repeat(LONGEST_TEXT)).cut).toBe(false);
  });
});
