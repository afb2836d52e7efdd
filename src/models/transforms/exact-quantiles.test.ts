import { describe, expect, it } from 'vitest';
import { seeded } from '../../../test/support/serving-fakes.ts';
import { exactQuantiles } from './exact-quantiles.ts';

/** Shows the numbers as often as it asks for them. */
function quantiles(
  shares: readonly number[],
  numbers: () => Iterable<number>,
): { found: number[]; passes: number } {
  const search = exactQuantiles(shares);
  for (let passes = 1; passes < 20; passes++) {
    for (const x of numbers()) search.add(x);
    const found = search.finish();
    if (found !== null) return { found, passes };
  }
  throw new Error('no end');
}

describe('exactQuantiles', () => {
  it('interpolates as NumPy does, and passes over what is missing', () => {
    // numpy.quantile([1, 2, 4, 8], [0, .25, .5, .9, 1])
    expect(quantiles([0, 0.25, 0.5, 0.9, 1], () => [8, Number.NaN, 1, 4, 2]).found).toEqual([
      1, 1.75, 3, 6.800000000000001, 8,
    ]);
    expect(quantiles([0.5], () => [7]).found).toEqual([7]);
    expect(quantiles([0.5], () => []).found).toEqual([]);
  });

  it.each([
    ['spread evenly', (u: number) => u],
    ['of a long tail', (u: number) => Math.exp(40 * u)],
    ['of few values', (u: number) => Math.floor(u * 5)],
    ['all the same', () => 3],
  ])('finds ranks among more numbers than it holds: %s', (_, shape) => {
    const count = 1_050_000;
    const all = new Float64Array(count);
    const random = seeded(11);
    for (let i = 0; i < count; i++) all[i] = shape(random());
    const { found, passes } = quantiles([0.001, 0.5, 0.999], () => all);
    const sorted = all.slice().sort();
    const at = (share: number): number => {
      const position = share * (count - 1);
      const low = sorted[Math.floor(position)] as number;
      const high = sorted[Math.ceil(position)] as number;
      const part = position - Math.floor(position);
      return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
    };
    expect(found).toEqual([at(0.001), at(0.5), at(0.999)]);
    expect(passes).toBeLessThan(8);
  });
});
