import { describe, expect, it } from 'vitest';
import { repeatedShare, scriptShares, textProfile } from './text-profile.ts';

describe('textProfile', () => {
  it('counts code points, and takes tokens as they were counted', () => {
    expect(textProfile('a👩‍👩‍👧e\u0301', { tokens: 8, unknown: 2 })).toMatchObject({
      characters: 8,
      tokens: 8,
      unknown: 0.25,
    });
    expect(textProfile('a')).toMatchObject({ tokens: null, unknown: null });
  });

  it('is defined for a text without anything', () => {
    const counted = { tokens: 0, unknown: 0 };
    expect(textProfile('', counted)).toEqual({
      characters: 0,
      tokens: 0,
      scripts: {},
      unknown: 0,
      repeated: 0,
    });
  });

  it('sees a loop', () => {
    expect(textProfile('the cat sat on the mat').repeated).toBe(0);
    expect(textProfile(`the cat sat ${'on and '.repeat(50)}`).repeated).toBeGreaterThan(0.9);
    expect(textProfile('नमस्ते '.repeat(20)).repeated).toBeGreaterThan(0.9);
  });

  it.each(['\0\ud83d', 'x'.repeat(100_000), 'ab '.repeat(33_000), '漢字'.repeat(5_000)])(
    'takes any text',
    (text) => {
      const { characters, repeated } = textProfile(text);
      expect(characters).toBe(Array.from(text).length);
      expect(repeated).toBeGreaterThanOrEqual(0);
      expect(repeated).toBeLessThanOrEqual(1);
    },
  );
});

describe('scriptShares', () => {
  it.each([
    ['hello, world 123!', { Latin: 1 }],
    ['नमस्ते दुनिया।', { Devanagari: 1 }],
    ['привет мир', { Cyrillic: 1 }],
    ['日本 カナ', { Han: 0.5, Katakana: 0.5 }],
    ['e\u0301', { Latin: 1 }],
    ['ab हि', { Latin: 0.5, Devanagari: 0.5 }],
    ['ግዕዝ', { Other: 1 }],
    ['👩‍👩‍👧 12 ... ', {}],
    ['', {}],
  ])('%j', (text, shares) => {
    expect(scriptShares(text)).toEqual(shares);
  });
});

describe('repeatedShare', () => {
  it.each([
    [[], 2, 0],
    [['a'], 2, 0],
    [['a', 'b', 'a', 'b'], 2, 1 / 3],
    [[1, 1, 1, 1], 1, 0.75],
    [['a b', 'c', 'a', 'b c'], 2, 0],
  ])('%j by %i', (items, size, wanted) => {
    expect(repeatedShare(items, size)).toBeCloseTo(wanted, 12);
  });
});
