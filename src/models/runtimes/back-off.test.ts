import { expect, it } from 'vitest';
import { backOffMs } from './back-off.ts';

const UP_TO_A_SECOND = { firstMs: 50, longestMs: 1_000 };

it('is twice as long each time, up to a second, half of it by chance', () => {
  expect([1, 2, 3, 20].map((failed) => backOffMs(UP_TO_A_SECOND, failed, 0))).toEqual([25, 50, 100, 500]);
  expect([1, 2, 3, 20].map((failed) => backOffMs(UP_TO_A_SECOND, failed, 1))).toEqual([50, 100, 200, 1_000]);
});
