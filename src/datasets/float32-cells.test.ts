import { describe, expect, it } from 'vitest';
import { seeded } from '../../test/support/serving-fakes.ts';
import { MOST_BYTES, writeFloat32 } from './float32-cells.ts';

const bytes = Buffer.alloc(MOST_BYTES);
const textOf = (value: number): string => bytes.toString('latin1', 0, writeFloat32(value, bytes, 0));

describe('writeFloat32', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1, '-1'],
    [0.62, '0.62'],
    [-0.05, '-0.05'],
    [123.456, '123.456'],
    [9_999_999, '9999999'],
    [0.001, '0.001'],
    [16_777_216, '16777216'],
  ])('writes %d in the fewest decimals', (value, text) => {
    expect(textOf(Math.fround(value))).toBe(text);
  });

  it('reads back as the same float32, whatever its bits', () => {
    const random = seeded(7);
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    for (let i = 0; i < 200_000; i++) {
      bits[0] = Math.floor(random() * 2 ** 32);
      // Every other one where the decimals are found here.
      if (i % 2 === 0) value[0] = (random() - 0.5) * 10 ** Math.floor(random() * 9 - 2);
      const [x = 0] = value;
      if (!Number.isFinite(x)) continue;
      const text = textOf(x);
      if (text.length > MOST_BYTES || !Object.is(Math.fround(Number(text)), x))
        expect.fail(`${x} was written as ${text}`);
    }
  });
});
