import { expect, it } from 'vitest';
import { onCircle } from './circle.ts';

it.each([1, 7, 12, 24, 365.25, 1e-3])('agrees with Math.sin and Math.cos for a period of %d', (period) => {
  let furthest = 0;
  for (let i = -3000; i <= 3000; i++) {
    const x = (i / 1000) * period;
    const [sin, cos] = onCircle(x, period);
    const angle = (x / period) * 2 * Math.PI;
    furthest = Math.max(furthest, Math.abs(sin - Math.sin(angle)), Math.abs(cos - Math.cos(angle)));
  }
  expect(furthest).toBeLessThan(4e-15);
});

it('is exact at the quarters, and NaN for what is not finite', () => {
  expect([0, 3, 6, 9, 12].map((x) => onCircle(x, 12).map((part) => part + 0))).toEqual([
    [0, 1],
    [1, 0],
    [0, -1],
    [-1, 0],
    [0, 1],
  ]);
  expect(onCircle(Number.NaN, 12)).toEqual([Number.NaN, Number.NaN]);
  expect(onCircle(Number.POSITIVE_INFINITY, 12)).toEqual([Number.NaN, Number.NaN]);
});
