import { z } from 'zod';
import { onCircle } from '../circle.ts';
import { exactQuantiles } from '../exact-quantiles.ts';
import { NO_OPTIONS, operation } from '../operation.ts';

/** Mean and scale of scikit-learn's StandardScaler: the standard deviation of the whole, and 1 for a constant column. */
const standardise = operation({
  name: 'standardise',
  summary: 'Centres on the mean and divides by the standard deviation of the training data.',
  formula: '(x - mean) / sd, sd over n; sd = 1 for a constant column',
  takes: [['number']],
  gives: 'number',
  options: z.strictObject({
    centre: z.boolean().optional().describe('false: mean = 0'),
    scale: z.boolean().optional().describe('false: sd = 1'),
  }),
  fitted: z.strictObject({ mean: z.number(), scale: z.number().positive() }),
  missing: () => 'kept',
  fit: ({ centre = true, scale: divides = true }) => {
    let count = 0;
    let mean = 0;
    let squares = 0;
    return {
      add(value) {
        const x = value as number;
        if (Number.isNaN(x)) return;
        count++;
        const delta = x - mean;
        mean += delta / count;
        squares += delta * (x - mean);
      },
      finish() {
        const deviation = count === 0 ? 0 : Math.sqrt(squares / count);
        const isConstant = deviation <= 10 * Number.EPSILON * Math.abs(mean);
        return { mean: centre ? mean : 0, scale: isConstant || !divides ? 1 : deviation };
      },
    };
  },
  compile: (_, { mean, scale }) => ({ arity: 1, run: (x: number) => (x - mean) / scale }),
});

const minMax = operation({
  name: 'min_max',
  summary: 'Scales the range of the training data to [low, high]; other values go beyond it.',
  formula: 'low + (x - min) / (max - min) · (high - low); low for a constant column',
  takes: [['number']],
  gives: 'number',
  options: z.strictObject({ low: z.number().default(0), high: z.number().default(1) }),
  fitted: z.strictObject({ min: z.number(), max: z.number() }),
  missing: () => 'kept',
  fit: () => {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    return {
      add(value) {
        const x = value as number;
        if (x < min) min = x;
        if (x > max) max = x;
      },
      finish: () => (min <= max ? { min, max } : { min: 0, max: 0 }),
    };
  },
  compile({ low, high }, { min, max }) {
    const scale = max > min ? (high - low) / (max - min) : high - low;
    const offset = low - min * scale;
    return { arity: 1, run: (x: number) => x * scale + offset };
  },
});

const impute = operation({
  name: 'impute',
  summary:
    'Puts a number in the place of a missing one: one that is given, or the mean or median of the training data.',
  formula: 'x, or the value where x is missing',
  takes: [['number']],
  gives: 'number',
  options: z.strictObject({ with: z.union([z.number(), z.enum(['mean', 'median'])]) }),
  fitted: z.strictObject({ value: z.number() }),
  missing: () => 'handled',
  leastOf: ({ with: by }, least) => Math.min(least, typeof by === 'number' ? by : 0),
  fit({ with: by }) {
    if (typeof by === 'number') return { add: () => undefined, finish: () => ({ value: by }) };
    if (by === 'median') {
      const quantiles = exactQuantiles([0.5]);
      return {
        add: (value) => quantiles.add(value as number),
        finish() {
          const found = quantiles.finish();
          return found === null ? null : { value: found[0] ?? 0 };
        },
      };
    }
    let count = 0;
    let mean = 0;
    return {
      add(value) {
        const x = value as number;
        if (!Number.isNaN(x)) mean += (x - mean) / ++count;
      },
      finish: () => ({ value: mean }),
    };
  },
  compile: (_, { value }) => ({ arity: 1, run: (x: number) => (Number.isNaN(x) ? value : x) }),
});

const clip = operation({
  name: 'clip',
  summary: 'Holds the value between two bounds.',
  formula: 'max(min, min(max, x))',
  takes: [['number']],
  gives: 'number',
  options: z
    .strictObject({ min: z.number().optional(), max: z.number().optional() })
    .refine(({ min, max }) => (min ?? -Infinity) <= (max ?? Infinity), 'min is above max'),
  fitted: null,
  missing: () => 'kept',
  leastOf: ({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }, least) =>
    Math.max(min, Math.min(max, least)),
  compile({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }) {
    return { arity: 1, run: (x: number) => Math.max(min, Math.min(max, x)) };
  },
});

const log1p = operation({
  name: 'log1p',
  summary: 'Natural logarithm of one more than the value; missing for values up to -1.',
  formula: 'ln(1 + x)',
  takes: [['number']],
  gives: 'number',
  options: NO_OPTIONS,
  fitted: null,
  missing: () => 'kept',
  mayLose: (_, least) => !(least > -1),
  leastOf: (_, least) => Math.log1p(Math.max(-1, least)),
  compile: () => ({ arity: 1, run: (x: number) => (x > -1 ? Math.log1p(x) : Number.NaN) }),
});

const bin = operation({
  name: 'bin',
  summary: 'Number of the bin, from 0: between given edges, or between edges of equal width or equal share.',
  formula: 'how many inner edges are ≤ x',
  takes: [['number']],
  gives: 'number',
  options: z
    .strictObject({
      edges: z.array(z.number()).min(1).optional(),
      bins: z.int().min(2).max(1000).optional(),
      by: z.enum(['quantile', 'width']).default('quantile'),
    })
    .refine(({ edges, bins }) => (edges === undefined) !== (bins === undefined), 'give edges or bins'),
  fitted: z.strictObject({ edges: z.array(z.number()) }),
  missing: () => 'kept',
  fit({ edges, bins = 2, by }) {
    if (edges !== undefined) {
      const sorted = distinct(edges);
      return { add: () => undefined, finish: () => ({ edges: sorted }) };
    }
    const inner = Array.from({ length: bins - 1 }, (_, i) => (i + 1) / bins);
    const quantiles = exactQuantiles(by === 'quantile' ? inner : [0, 1]);
    return {
      add: (value) => quantiles.add(value as number),
      finish() {
        const found = quantiles.finish();
        if (found === null) return null;
        if (by === 'quantile') return { edges: distinct(found) };
        const [low = 0, high = 0] = found;
        return { edges: distinct(inner.map((share) => low + share * (high - low))) };
      },
    };
  },
  compile(_, { edges }) {
    return { arity: 1, run: (x: number) => (Number.isNaN(x) ? x : countUpTo(edges, x)) };
  },
});

const cyclical = operation({
  name: 'cyclical',
  summary: 'A point on a circle, so that the end of a period lies beside its beginning.',
  formula: 'sin(2π x / period), cos(2π x / period)',
  takes: [['number']],
  gives: 'vector',
  options: z.strictObject({ period: z.number().positive() }),
  fitted: null,
  missing: () => 'kept',
  compile({ period }) {
    return {
      arity: 'vector',
      suffixes: ['sin', 'cos'],
      write(x, out, at) {
        const [sin, cos] = onCircle(x as number, period);
        out[at] = sin;
        out[at + 1] = cos;
      },
    };
  },
});

function distinct(edges: readonly number[]): number[] {
  return [...new Set(edges)].sort((a, b) => a - b);
}

/** How many of the ascending numbers are at most x. */
function countUpTo(ascending: readonly number[], x: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

export const NUMBER_OPERATIONS = [impute, clip, log1p, standardise, minMax, bin, cyclical];
