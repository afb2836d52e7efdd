import { z } from 'zod';
import { NO_OPTIONS, operation } from '../operation.ts';

const ratio = operation({
  name: 'ratio',
  summary:
    'The first number divided by the second; missing, or a number that is given, where the second is 0.',
  formula: 'first / second',
  takes: [['number'], ['number']],
  gives: 'number',
  options: z.strictObject({ on_zero: z.number().optional() }),
  fitted: null,
  missing: () => 'kept',
  mayLose: ({ on_zero: onZero }) => onZero === undefined,
  compile({ on_zero: onZero = Number.NaN }) {
    return {
      arity: 2,
      run: (first: number, second: number) =>
        second === 0 ? (Number.isNaN(first) ? first : onZero) : first / second,
    };
  },
});

const difference = operation({
  name: 'difference',
  summary: 'The first number less the second.',
  formula: 'first - second',
  takes: [['number'], ['number']],
  gives: 'number',
  options: NO_OPTIONS,
  fitted: null,
  missing: () => 'kept',
  compile: () => ({ arity: 2, run: (first: number, second: number) => first - second }),
});

const cross = operation({
  name: 'cross',
  summary: 'Two categories as one, for an encoding behind it; missing where either is.',
  formula: 'first + "|" + second',
  takes: [['text'], ['text']],
  gives: 'text',
  options: NO_OPTIONS,
  fitted: null,
  missing: () => 'kept',
  compile: () => ({
    arity: 2,
    run: (first: string | null, second: string | null) =>
      first === null || second === null ? null : `${first}|${second}`,
  }),
});

const isMissing = operation({
  name: 'is_missing',
  summary: '1 where the value is missing, else 0.',
  formula: '1 if x is missing, else 0',
  takes: [['number', 'text', 'time']],
  gives: 'number',
  options: NO_OPTIONS,
  fitted: null,
  missing: () => 'handled',
  compile: () => ({
    arity: 1,
    run: (value: number | string | null) => Number(value === null || Number.isNaN(value)),
  }),
});

export const COMBINING_OPERATIONS = [ratio, difference, cross, isMissing];
