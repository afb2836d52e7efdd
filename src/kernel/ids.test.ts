import { describe, expect, it } from 'vitest';
import { timeOfUuidV7, uuidV7 } from './ids.ts';

/** Later than any time that another test of this file hands in: the generator never goes back. */
let base = Date.now() + 1_000_000;
const later = (): number => {
  base += 1_000_000;
  return base;
};

describe('uuidV7', () => {
  it('is a UUID of version 7 and variant 10', () => {
    expect(uuidV7(later())).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('carries the time that it was given', () => {
    const at = later();
    expect(timeOfUuidV7(uuidV7(at))).toBe(at);
  });

  it('gives 10,000 ids of one millisecond that are all different and in order', () => {
    const at = later();
    const ids = Array.from({ length: 10_000 }, () => uuidV7(at));
    expect(new Set(ids).size).toBe(10_000);
    expect([...ids].sort()).toEqual(ids);
  });

  it('is in order across milliseconds', () => {
    const at = later();
    const ids = Array.from({ length: 300 }, (_, i) => uuidV7(at + Math.floor(i / 3)));
    expect([...ids].sort()).toEqual(ids);
    expect(timeOfUuidV7(ids[299] ?? '')).toBe(at + 99);
  });

  it('keeps the last time when the clock steps back', () => {
    const at = later();
    const before = uuidV7(at);
    const after = uuidV7(at - 60_000);
    expect(timeOfUuidV7(after)).toBe(at);
    expect(after > before).toBe(true);
    expect(timeOfUuidV7(uuidV7(at + 5))).toBe(at + 5);
  });

  it('has random bits behind the counter', () => {
    const at = later();
    const ends = new Set(Array.from({ length: 2_000 }, () => uuidV7(at).slice(19)));
    expect(ends.size).toBe(2_000);
  });
});

describe('timeOfUuidV7', () => {
  it.each([
    ['another version', '0198f000-0000-4000-8000-000000000000'],
    ['another variant', '0198f000-0000-7000-c000-000000000000'],
    ['capital letters', '0198F000-0000-7000-8000-000000000000'],
    ['a line end', '0198f000-0000-7000-8000-000000000000\n'],
    ['no dashes', '0198f00000007000800000000000000'],
    ['nothing', ''],
  ])('answers null for %s', (_, text) => {
    expect(timeOfUuidV7(text)).toBeNull();
  });

  it('reads the time of the example in RFC 9562', () => {
    expect(timeOfUuidV7('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toBe(Date.UTC(2022, 1, 22, 19, 22, 22));
  });
});
