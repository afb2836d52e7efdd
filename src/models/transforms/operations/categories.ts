import { z } from 'zod';
import { operation } from '../operation.ts';
import { looked, missing, missingOfNumber, numberOfUnknown, unknownNumber } from './texts.ts';

const map = operation({
  name: 'map',
  summary: 'The number that is given for the category.',
  formula: 'values[x]; zeros: 0; other: unknown_value; category: missing_value',
  takes: [['text']],
  gives: 'number',
  options: z
    .strictObject({
      values: z.record(z.string(), z.number()),
      unknown: unknownNumber,
      missing,
      unknown_value: z.number().optional(),
      missing_value: z.number().optional(),
    })
    .refine(
      ({ unknown, unknown_value: value }) => unknown !== 'other' || value !== undefined,
      'unknown: other needs unknown_value',
    )
    .refine(
      ({ missing: rule, missing_value: value }) => rule !== 'category' || value !== undefined,
      'missing: category needs missing_value',
    ),
  fitted: null,
  missing: (options) => missingOfNumber(options),
  allowed: ({ values, unknown: rule }) => (rule === 'error' ? Object.keys(values) : null),
  compile(options) {
    const ofMissing = { error: Number.NaN, zeros: 0, category: options.missing_value ?? 0 }[options.missing];
    return looked(new Map(Object.entries(options.values)), numberOfUnknown(options, 0), ofMissing);
  },
});

const fill = operation({
  name: 'fill',
  summary: 'Puts a text in the place of a missing one.',
  formula: 'x, or the text where x is missing',
  takes: [['text']],
  gives: 'text',
  options: z.strictObject({ with: z.string() }),
  fitted: null,
  missing: () => 'handled',
  compile: ({ with: text }) => ({ arity: 1, run: (x: string | null) => x ?? text }),
});

const asText = operation({
  name: 'as_text',
  summary: 'A number as a category, for an encoding behind it: 3 is "3", 2.5 is "2.5".',
  formula: 'the shortest text that reads as x',
  takes: [['number']],
  gives: 'text',
  options: z.strictObject({}),
  fitted: null,
  missing: () => 'kept',
  compile: () => ({ arity: 1, run: (x: number) => (Number.isNaN(x) ? null : String(x)) }),
});

export const CATEGORY_OPERATIONS = [map, fill, asText];
