import { expect, it } from 'vitest';
import { float32Text } from './float-text.ts';

it.each([
  [0.62, '0.62'],
  [0.1, '0.1'],
  [0.05, '0.05'],
  [0.5, '0.5'],
  [1, '1'],
  [0, '0'],
  [-0.25, '-0.25'],
  [1234.5, '1234.5'],
  [1e-12, String(Math.fround(1e-12))],
  [3e38, String(Math.fround(3e38))],
])('writes %d as %s', (value, text) => {
  expect(float32Text(Math.fround(value))).toBe(text);
});

it('is the same float32 when it is read back, whatever the number', () => {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  for (let i = 0; i < 200_000; i++) {
    bits[0] = Math.imul(i, 2_654_435_761);
    const value = i % 2 === 0 ? (float[0] as number) : Math.fround((bits[0] ?? 0) / 2 ** 32);
    if (!Number.isFinite(value)) continue;
    const read = JSON.parse(float32Text(value)) as number;
    if (Math.fround(read) !== value) expect(read).toBe(value);
  }
});
