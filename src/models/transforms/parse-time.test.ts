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
  ['0050-01-01', Date.parse('0050-01-01')],
  ['2026-03-01+02:00', Date.UTC(2026, 1, 28, 22)],
  ['2026-03-01T10:20:30.999999999-99:99', Date.UTC(2026, 2, 5, 14, 59, 30, 999)],
])('reads %s, in UTC where no zone is given', (text, ms) => {
  expect(parseTime(text)).toBe(ms);
});

it('reads a day of every week of ten thousand years as JavaScript does', () => {
  const last = Date.parse('9999-12-31T23:59:59.999Z');
  for (let ms = Date.parse('0000-01-01T00:00Z'); ms <= last; ms += 7 * 86_399_999) {
    const text = new Date(ms).toISOString();
    if (parseTime(text) !== ms) expect(parseTime(text), text).toBe(ms);
  }
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
  '2100-02-29',
  '2026-04-31',
  '2026-00-01',
  '2026-01-00',
  '2026-03-01T',
  '2026-03-01T10',
  '2026-03-01T10:20:60',
  '2026-03-01T10:20:30.',
  '2026-03-01T10:20:30.1234567890',
  '2026-03-01T10:20:30.12Zulu',
  '2026-03-01T10:20:30z',
  '2026-03-01T10:20+2',
  '2026-03-01T10:20+02:0',
  '202٦-03-01',
  '202Ķ-03-01',
  '2026-03-01 ',
  ' 2026-03-01',
])('takes %j for none', (text) => {
  expect(parseTime(text)).toBeNaN();
});
