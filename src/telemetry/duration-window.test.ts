import { describe, expect, it } from 'vitest';
import { DurationWindow, mergeWindows, SliceRing, windowQuantiles } from './duration-window.ts';

function movedByHand() {
  let elapsedMs = 5_000;
  const ring = new SliceRing({ now: () => 0, elapsed: () => elapsedMs });
  const pass = (ms: number) => {
    elapsedMs += ms;
    ring.advance();
  };
  return { ring, pass, window: new DurationWindow(ring) };
}

describe('windowQuantiles', () => {
  it('are within 3 % of the exact ones from 2 µs to 100 s', () => {
    const { window } = movedByHand();
    const values = Array.from(
      { length: 20_000 },
      (_, index) => 2e-6 * 5e7 ** (((index * 7_919) % 20_000) / 20_000),
    );
    for (const value of values) window.observe(value);
    values.sort((left, right) => left - right);
    const orders = Array.from({ length: 200 }, (_, index) => (index + 1) / 200);
    const read = windowQuantiles(window.read(), orders) ?? [];
    expect(read).toHaveLength(200);
    for (const [index, order] of orders.entries()) {
      const exact = values[Math.ceil(order * values.length) - 1] as number;
      expect(Math.abs((read[index] as number) / exact - 1)).toBeLessThan(0.03);
    }
  });

  it('use the nearest rank', () => {
    const { window } = movedByHand();
    for (const value of [1, 1, 1, 8]) window.observe(value);
    const [half, threeQuarters, most] = windowQuantiles(window.read(), [0.5, 0.75, 0.76]) ?? [];
    expect([half, threeQuarters, most].map((value) => Math.round(value as number))).toEqual([1, 1, 8]);
  });

  it('are null when nothing was seen', () => {
    expect(windowQuantiles(movedByHand().window.read(), [0.5])).toBeNull();
  });

  it('keep what is outside the range in the outermost bins', () => {
    const { window } = movedByHand();
    for (const value of [0, 1e-300, 1e300]) window.observe(value);
    const [least, most] = windowQuantiles(window.read(), [0, 1]) ?? [];
    expect(least).toBeLessThan(1e-6);
    expect(most).toBeGreaterThan(120);
  });
});

describe('DurationWindow', () => {
  it('remembers a minute and forgets after 70 seconds', () => {
    const { window, pass } = movedByHand();
    pass(9_999);
    window.observe(2);
    pass(60_000);
    expect(window.read()).toMatchObject({ count: 1, sum: 2 });
    pass(1);
    expect(window.read()).toMatchObject({ count: 0, sum: 0 });
  });

  it('is empty after the process slept for hours, whatever slot it wakes in', () => {
    for (let slot = 0; slot < 7; slot++) {
      const { window, pass } = movedByHand();
      for (let step = 0; step < 7; step++) {
        window.observe(1);
        pass(10_000);
      }
      pass(3_600_000 + slot * 10_000);
      expect(window.read().count).toBe(0);
      window.observe(1);
      expect(window.read().count).toBe(1);
    }
  });

  it('says how many seconds it covers', () => {
    const { ring, pass } = movedByHand();
    pass(12_000);
    expect(ring.seconds()).toBe(12);
    pass(3_600_000);
    expect(ring.seconds()).toBe(62);
  });

  it('merges with others', () => {
    const { ring, window } = movedByHand();
    const other = new DurationWindow(ring);
    window.observe(1);
    other.observe(8);
    const merged = mergeWindows([window.read(), other.read()]);
    expect(merged).toMatchObject({ count: 2, sum: 9 });
    expect(windowQuantiles(merged, [1])?.[0]).toBeCloseTo(8, 0);
  });
});
