import { expect, it } from 'vitest';
import { backOffMs } from './back-off.ts';

it('is twice as long each time, up to a second, half of it by chance', () => {
  expect([1, 2, 3, 20].map((failed) => backOffMs(failed, 0))).toEqual([25, 50, 100, 500]);
  expect([1, 2, 3, 20].map((failed) => backOffMs(failed, 1))).toEqual([50, 100, 200, 1_000]);
});
