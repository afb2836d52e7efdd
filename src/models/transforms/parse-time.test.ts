import { expect, it } from 'vitest';
import { parseTime } from './parse-time.ts';

it.each([
  ['2026-03-01', Date.UTC(2026, 2, 1)],
  ['2026-03-01T10:20', Date.UTC(2026, 2, 1, 10, 20)],
  ['2026-03-01 10:20:30', Date.UTC(2026, 2, 1, 10, 20, 30)],
  ['2026-03-01T10:20:30.123456Z', Date.UTC(2026, 2, 1, 10, 20, 30, 123)],
  ['2026-03-01T10:20:30+02:00', Date.UTC(2026, 2, 1, 8, 20, 30)],
  ['2026-03-01T10:20:30-0530', Date.UTC(2026, 2, 1, 15, 50, 30)],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
  ['1969-12-31T23:59:59Z', -1000],
])('reads %s, in UTC where no zone is given', (text, ms) => {
  expect(parseTime(text)).toBe(ms);
});

it.each([
  '',
  'yesterday',
  '2026-02-29',
  '2026-13-01',
  '2026-03-01T24:00',
  '2026-03-01T10:60',
  '1772362800',
  '01/03/2026',
])('takes %j for none', (text) => {
  expect(parseTime(text)).toBeNaN();
});
