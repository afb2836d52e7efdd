import { z } from 'zod';
import { type AnyOperation, NO_OPTIONS, operation } from '../operation.ts';

const DAY_MS = 86_400_000;
/** The last time that a Date holds; the first is as far before 1970. */
const LAST_MS = 1e8 * DAY_MS;
const UNIT_MS = { seconds: 1000, minutes: 60_000, hours: 3_600_000, days: DAY_MS } as const;

/** Parts of the date in UTC. */
const PARTS: readonly (readonly [string, string, string, (ms: number) => number])[] = [
  ['year', 'Year, as 2026.', 'year of x', (ms) => new Date(ms).getUTCFullYear()],
  ['month', 'Month, from 1.', 'month of x, 1-12', (ms) => new Date(ms).getUTCMonth() + 1],
  ['day', 'Day of the month, from 1.', 'day of x, 1-31', (ms) => new Date(ms).getUTCDate()],
  ['hour', 'Hour, from 0.', 'hour of x, 0-23', (ms) => Math.floor(modulo(ms, DAY_MS) / UNIT_MS.hours)],
  ['minute', 'Minute, from 0.', 'minute of x, 0-59', (ms) => Math.floor(modulo(ms, UNIT_MS.hours) / 60_000)],
  ['day_of_week', 'Day of the week, Monday 0 to Sunday 6.', 'weekday of x, 0-6', dayOfWeek],
  ['day_of_year', 'Day of the year, from 1.', 'day of x in its year, 1-366', dayOfYear],
  [
    'is_weekend',
    '1 on Saturday and Sunday, else 0.',
    '1 if the weekday of x is 5 or 6',
    (ms) => Number(dayOfWeek(ms) > 4),
  ],
];

const parts: readonly AnyOperation[] = PARTS.map(([name, summary, formula, part]) =>
  operation({
    name,
    summary: `${summary} In UTC.`,
    formula,
    takes: [['time']],
    gives: 'number',
    options: NO_OPTIONS,
    fitted: null,
    missing: () => 'kept',
    compile: () => ({ arity: 1, run: (ms: number) => (Number.isNaN(ms) ? ms : part(ms)) }),
  }),
);

const elapsed = operation({
  name: 'elapsed',
  summary: 'Time from the second to the first of two times.',
  formula: '(first - second) / unit',
  takes: [['time'], ['time']],
  gives: 'number',
  options: z.strictObject({ unit: z.enum(['seconds', 'minutes', 'hours', 'days']).default('days') }),
  fitted: null,
  missing: () => 'kept',
  compile({ unit }) {
    const ms = UNIT_MS[unit];
    return { arity: 2, run: (first: number, second: number) => (first - second) / ms };
  },
});

const fromUnix = operation({
  name: 'from_unix',
  summary:
    'The time that a number of seconds or milliseconds since 1970 stands for; missing outside the calendar.',
  formula: '1970-01-01T00:00:00Z + x · unit; missing beyond 100,000,000 days',
  takes: [['number']],
  gives: 'time',
  options: z.strictObject({ unit: z.enum(['seconds', 'milliseconds']).default('seconds') }),
  fitted: null,
  missing: () => 'kept',
  mayLose: () => true,
  compile({ unit }) {
    const ms = unit === 'seconds' ? UNIT_MS.seconds : 1;
    return { arity: 1, run: (x: number) => (Math.abs(x * ms) <= LAST_MS ? x * ms : Number.NaN) };
  },
});

function modulo(a: number, b: number): number {
  return ((a % b) + b) % b;
}

function dayOfWeek(ms: number): number {
  // 1 January 1970 was a Thursday.
  return modulo(Math.floor(ms / DAY_MS) + 3, 7);
}

function dayOfYear(ms: number): number {
  const start = Date.UTC(new Date(ms).getUTCFullYear(), 0, 1);
  return Math.floor((ms - start) / DAY_MS) + 1;
}

export const TIME_OPERATIONS = [fromUnix, ...parts, elapsed];
