import { expect, it } from 'vitest';
import { restartDelay } from './restart-delay.ts';

const longest = (ends: number, wasReady: boolean) => restartDelay(ends, wasReady, () => 1);

it('starts anew at once after the first end of a worker that was ready', () => {
  expect(longest(1, true)).toBe(0);
});

it('doubles, to two seconds after a worker that was ready and to a minute after one that was not', () => {
  expect([2, 3, 4, 5, 6, 100].map((ends) => longest(ends, true))).toEqual([400, 800, 1600, 2000, 2000, 2000]);
  expect([1, 2, 3, 9, 10, 1_000].map((ends) => longest(ends, false))).toEqual([
    200, 400, 800, 51_200, 60_000, 60_000,
  ]);
});

it('differs by half', () => {
  expect(restartDelay(4, false, () => 0)).toBe(800);
});
