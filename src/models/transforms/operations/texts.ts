import { z } from 'zod';
import {
  type Compiled,
  type Fitter,
  type MissingRule,
  NO_OPTIONS,
  operation,
  type Scalar,
} from '../operation.ts';

const unknown = z
  .enum(['error', 'other', 'zeros'])
  .default('error')
  .describe('a category that training did not have: refused, one of its own, or nothing');
/** Of an encoding that makes one number. */
export const unknownNumber = z
  .enum(['error', 'other', 'zeros', 'missing'])
  .default('error')
  .describe('a category that is not among them: refused, a number of its own, 0, or a missing value');
export const missing = z
  .enum(['error', 'category', 'zeros'])
  .default('error')
  .describe('a missing value: only where the field is required, a category of its own, or nothing');
const categories = z.array(z.string());
/** Past this a list of categories is an identifier by mistake. */
const MOST_CATEGORIES = 10_000;

const UNPAIRED = 'categories and values are not of one length';

const oneHot = operation({
  name: 'one_hot',
  summary:
    'A column for each category of the training data, 1 for the category of the value and 0 in the others.',
  formula: '1 if x is the category, else 0',
  takes: [['text']],
  gives: 'vector',
  options: z.strictObject({
    unknown,
    missing,
    drop_first: z.boolean().default(false).describe('leave the first category out, for linear models'),
  }),
  fitted: z.strictObject({ categories }),
  missing: ({ missing: rule }) => (rule === 'error' ? 'kept' : 'handled'),
  allowed: ({ unknown: rule }, fitted) => (rule === 'error' ? fitted.categories : null),
  fit: () => distinctTexts((found) => ({ categories: found })),
  compile(options, fitted) {
    const dropped = options.drop_first ? 1 : 0;
    const suffixes = fitted.categories.slice(dropped);
    const other = options.unknown === 'other' ? suffixes.push('other') - 1 : -1;
    const absent = options.missing === 'category' ? suffixes.push('missing') - 1 : -1;
    const places = new Map<Scalar, number>(fitted.categories.map((text, i) => [text, i - dropped]));
    places.set(null, absent);
    const width = suffixes.length;
    return {
      arity: 'vector',
      suffixes,
      write(value, out, at) {
        for (let i = 0; i < width; i++) out[at + i] = 0;
        const place = places.get(value) ?? other;
        if (place >= 0) out[at + place] = 1;
      },
    };
  },
});

const ordinal = operation({
  name: 'ordinal',
  summary: 'Number of the category, from 0, in the order given or else in that of the alphabet.',
  formula: 'place of x among the categories; zeros: 0; other: unknown_value, or the number of categories',
  takes: [['text']],
  gives: 'number',
  options: z.strictObject({
    unknown: unknownNumber,
    missing,
    order: categories.optional().describe('every category, in its order'),
    unknown_value: z.number().optional(),
    missing_value: z.number().optional(),
  }),
  fitted: z.strictObject({ categories }),
  missing: (options) => missingOfNumber(options),
  allowed: ({ unknown: rule }, fitted) => (rule === 'error' ? fitted.categories : null),
  fit({ order }) {
    if (order === undefined) return distinctTexts((found) => ({ categories: found }));
    return { add: () => undefined, finish: () => ({ categories: order }) };
  },
  compile(options, fitted) {
    const count = fitted.categories.length;
    const numbers = new Map(fitted.categories.map((text, i) => [text, i]));
    const ofUnknown = numberOfUnknown(options, count);
    const ofMissing = { error: Number.NaN, zeros: 0, category: options.missing_value ?? count + 1 }[
      options.missing
    ];
    return looked(numbers, ofUnknown, ofMissing);
  },
});

/** What is learnt of each category, as lists: the key of an object loses `__proto__`. */
const perCategory = { categories, values: z.array(z.number()) };

const frequency = operation({
  name: 'frequency',
  summary: 'Share of the training rows that had the category; 0 for others.',
  formula: 'rows with x / rows',
  takes: [['text']],
  gives: 'number',
  options: NO_OPTIONS,
  fitted: z.strictObject(perCategory).refine(arePaired, UNPAIRED),
  missing: () => 'handled',
  fit() {
    const counts = new Map<string, number>();
    let rows = 0;
    return {
      add(value) {
        rows++;
        if (value !== null) count(counts, value as string, 1);
      },
      finish: () => listed(counts, (found) => found / rows),
    };
  },
  compile: (_, fitted) => looked(paired(fitted), 0, 0),
});

const target = operation({
  name: 'target',
  summary:
    'Mean of the label over the training rows of the category, drawn towards the mean of all by few rows; with at_least, the share of labels that reach it.',
  formula:
    '(sum of labels of x + smoothing · mean) / (rows of x + smoothing); the mean for others, and below min_rows',
  takes: [['text']],
  gives: 'number',
  options: z.strictObject({
    smoothing: z.number().min(0).default(10),
    at_least: z.number().optional().describe('a label counts as 1 from here on, and as 0 below'),
    min_rows: z.int().min(1).default(1).describe('a category of fewer rows counts as an unknown one'),
  }),
  fitted: z.strictObject({ ...perCategory, mean: z.number() }).refine(arePaired, UNPAIRED),
  missing: () => 'handled',
  fit({ smoothing, at_least: threshold, min_rows: fewest }) {
    const rows = new Map<string, number>();
    const sums = new Map<string, number>();
    let total = 0;
    let labelled = 0;
    return {
      add(value, given) {
        if (Number.isNaN(given)) return;
        const label = threshold === undefined ? given : Number(given >= threshold);
        labelled++;
        total += label;
        if (value === null) return;
        count(rows, value as string, 1);
        count(sums, value as string, label);
      },
      finish() {
        const mean = labelled === 0 ? 0 : total / labelled;
        for (const [text, n] of rows) if (n < fewest) rows.delete(text);
        const smoothed = (n: number, text: string) =>
          ((sums.get(text) ?? 0) + smoothing * mean) / (n + smoothing);
        return { ...listed(rows, smoothed), mean };
      },
    };
  },
  compile: (_, fitted) => looked(paired(fitted), fitted.mean, fitted.mean),
});

const length = operation({
  name: 'length',
  summary: 'Number of characters (Unicode code points); 0 for a missing text.',
  formula: 'characters of x',
  takes: [['text']],
  gives: 'number',
  options: NO_OPTIONS,
  fitted: null,
  missing: () => 'handled',
  compile: () => ({ arity: 1, run: (text: string | null) => (text === null ? 0 : codePoints(text)) }),
});

const wordCount = operation({
  name: 'word_count',
  summary: 'Number of words, which white space parts; 0 for a missing text.',
  formula: 'words of x',
  takes: [['text']],
  gives: 'number',
  options: NO_OPTIONS,
  fitted: null,
  missing: () => 'handled',
  compile: () => ({ arity: 1, run: (text: string | null) => text?.match(/\S+/gu)?.length ?? 0 }),
});

const lowercase = operation({
  name: 'lowercase',
  summary:
    'The text without white space at its ends and in lower case, so that spellings of one category agree.',
  formula: 'x trimmed, in lower case',
  takes: [['text']],
  gives: 'text',
  options: NO_OPTIONS,
  fitted: null,
  missing: () => 'kept',
  compile: () => ({ arity: 1, run: (text: string | null) => text?.trim().toLowerCase() ?? null }),
});

export function missingOfNumber({
  unknown: rule,
  missing: ofMissing,
}: {
  readonly unknown: string;
  readonly missing: string;
}): MissingRule {
  if (rule === 'missing') return 'made';
  return ofMissing === 'error' ? 'kept' : 'handled';
}

export function numberOfUnknown(
  {
    unknown: rule,
    unknown_value: value,
  }: { readonly unknown: string; readonly unknown_value?: number | undefined },
  fallback: number,
): number {
  if (rule === 'missing') return Number.NaN;
  return rule === 'other' ? (value ?? fallback) : 0;
}

export function looked(numbers: ReadonlyMap<string, number>, ofUnknown: number, ofMissing: number): Compiled {
  return {
    arity: 1,
    run: (text: string | null) => (text === null ? ofMissing : (numbers.get(text) ?? ofUnknown)),
  };
}

function distinctTexts<Fitted>(finish: (ascending: string[]) => Fitted): Fitter<Fitted> {
  const found = new Set<string>();
  return {
    add(value) {
      if (value === null || found.size > MOST_CATEGORIES) return;
      found.add(value as string);
      if (found.size > MOST_CATEGORIES) {
        throw new RangeError(`there are more than ${MOST_CATEGORIES} categories: is it an identifier?`);
      }
    },
    finish: () => finish([...found].sort(byCodeUnits)),
  };
}

/** As NumPy sorts, and not as a language does. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function count(counts: Map<string, number>, text: string, by: number): void {
  counts.set(text, (counts.get(text) ?? 0) + by);
}

interface PerCategory {
  readonly categories: readonly string[];
  readonly values: readonly number[];
}

function listed(
  counts: ReadonlyMap<string, number>,
  value: (count: number, text: string) => number,
): { categories: string[]; values: number[] } {
  const entries = [...counts].sort(([a], [b]) => byCodeUnits(a, b));
  return { categories: entries.map(([text]) => text), values: entries.map(([text, n]) => value(n, text)) };
}

function paired({ categories: texts, values }: PerCategory): ReadonlyMap<string, number> {
  return new Map(texts.map((text, i) => [text, values[i] as number]));
}

function arePaired({ categories: texts, values }: PerCategory): boolean {
  return texts.length === values.length;
}

function codePoints(text: string): number {
  let points = 0;
  for (const _ of text) points++;
  return points;
}

export const TEXT_OPERATIONS = [oneHot, ordinal, frequency, target, length, wordCount, lowercase];
