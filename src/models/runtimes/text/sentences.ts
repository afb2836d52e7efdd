import { toUSVString } from 'node:util';

/** A text as the sentences that are translated and what stands between them, which is kept. */
export interface SplitText {
  readonly sentences: readonly string[];
  /** Before each sentence; nothing before the first. */
  readonly between: readonly string[];
  /** Whether the text was longer than what is taken of one. */
  readonly cut: boolean;
}

/** Longest text of a request, in UTF-16 units; what is beyond is left out. */
export const LONGEST_TEXT = 100_000;

const LINE_BREAK = /(\r\n|[\n\r\v\f\u0085\u2028\u2029])/u;
/** Ends like a sentence and is none: a title, an initial or a common abbreviation. */
const ABBREVIATION = /(?:^|[\s(“"'‘])(?:\p{Lu}|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|No|Fig|vs|e\.g|i\.e|cf)\.\s+$/u;
const WINDOW = 1_024;
const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Cuts a text into sentences as Unicode has them, never over a line break. Half of a surrogate pair becomes U+FFFD. */
export function splitSentences(text: string): SplitText {
  const whole = toUSVString(text.slice(0, LONGEST_TEXT));
  const sentences: string[] = [];
  const between: string[] = [];
  let gap = '';
  for (const [place, part] of whole.split(LINE_BREAK).entries()) {
    const isLineBreak = place % 2 === 1;
    if (isLineBreak) gap += part;
    for (const segment of isLineBreak ? [] : segmentsOf(part)) {
      const begun = segment.trimStart();
      const sentence = begun.trimEnd();
      gap += segment.slice(0, segment.length - begun.length);
      if (sentence !== '') {
        between.push(sentences.length === 0 ? '' : gap);
        sentences.push(sentence);
        gap = '';
      }
      gap += begun.slice(sentence.length);
    }
  }
  return { sentences, between, cut: text.length > LONGEST_TEXT };
}

/** The text with its sentences translated, and nothing before or behind them. */
export function joinSentences({ between }: SplitText, translated: readonly string[]): string {
  return translated.map((sentence, place) => (between[place] ?? '') + sentence).join('');
}

function segmentsOf(line: string): readonly string[] {
  const segments: string[] = [];
  for (const segment of unicodeSentences(line)) {
    const previous = segments.at(-1);
    if (previous !== undefined && ABBREVIATION.test(previous.slice(-12)))
      segments[segments.length - 1] = previous + segment;
    else segments.push(segment);
  }
  return segments;
}

/**
 * A window of the line at a time, since what the segmenter takes for each sentence grows with all of the text that it was
 * given. The last sentence of a window may go on behind it: the next window begins with it.
 */
function* unicodeSentences(line: string): Iterable<string> {
  let start = 0;
  let size = WINDOW;
  while (start < line.length) {
    const found = Array.from(segmenter.segment(line.slice(start, start + size)), ({ segment }) => segment);
    const isLast = start + size >= line.length;
    const whole = isLast ? found : found.slice(0, -1);
    yield* whole;
    for (const { length } of whole) start += length;
    size = whole.length === 0 ? size * 2 : WINDOW;
  }
}
