/** What of a text can be watched over time without keeping the text. Shares are from 0 to 1. */
export interface TextProfile {
  /** Code points. */
  readonly characters: number;
  /** Of the model; null where nobody counted. */
  readonly tokens: number | null;
  /** Share of each script among the letters, by its name in Unicode; `Other` for those that are not told apart. */
  readonly scripts: Readonly<Record<string, number>>;
  /** Share of tokens that the vocabulary does not have; null where nobody counted. */
  readonly unknown: number | null;
  /** Share of the sequences of three words that came before in the same text: a model that is caught in a loop repeats. */
  readonly repeated: number;
}

export interface TokenCounts {
  readonly tokens: number;
  readonly unknown: number;
}

/** Scripts that are told apart: those of the languages most is written in, so that labels are few. */
const SCRIPTS = [
  'Latin',
  'Devanagari',
  'Cyrillic',
  'Arabic',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
  'Greek',
  'Hebrew',
  'Thai',
  'Bengali',
  'Tamil',
  'Telugu',
  'Gujarati',
  'Gurmukhi',
  'Kannada',
  'Malayalam',
] as const;
const MATCHERS = SCRIPTS.map((script) => [script, new RegExp(`\\p{Script=${script}}`, 'u')] as const);
const LETTER = /[\p{L}\p{M}]/u;
/** Marks and signs that belong to no script of their own, such as combining accents. */
const SHARED = /[\p{Script=Common}\p{Script=Inherited}]/u;
/** Words of a sequence. */
const SEQUENCE = 3;
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** The profile of a text, as a caller sent it or a model made it. */
export function textProfile(text: string, counted: TokenCounts | null = null): TextProfile {
  return {
    characters: Array.from(text).length,
    tokens: counted?.tokens ?? null,
    scripts: scriptShares(text),
    unknown: counted === null ? null : share(counted.unknown, counted.tokens),
    repeated: repeatedShare(wordsOf(text), SEQUENCE),
  };
}

/** Which scripts the letters of a text are of. Digits, punctuation and emoji count for none. */
export function scriptShares(text: string): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  let letters = 0;
  for (const character of text) {
    if (!LETTER.test(character) || SHARED.test(character)) continue;
    const script = MATCHERS.find(([, matcher]) => matcher.test(character))?.[0] ?? 'Other';
    counts.set(script, (counts.get(script) ?? 0) + 1);
    letters += 1;
  }
  return Object.fromEntries([...counts].map(([script, count]) => [script, count / letters]));
}

/** Share of the sequences of `size` items that came before; 0 for fewer items than one sequence. */
export function repeatedShare(items: readonly (string | number)[], size: number): number {
  const seen = new Set<string>();
  const sequences = Math.max(0, items.length - size + 1);
  for (let start = 0; start < sequences; start += 1)
    seen.add(items.slice(start, start + size).join('\u0000'));
  return share(sequences - seen.size, sequences);
}

/** Words in lower case, also of scripts that put no space between them; a line at a time, since a long one takes long. */
function wordsOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split(/[\s\p{P}]+/u)
    .flatMap((part) => Array.from(segmenter.segment(part)))
    .filter(({ isWordLike }) => isWordLike)
    .map(({ segment }) => segment);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
