import { expect, it } from 'vitest';
import { ByteText } from './byte-text.ts';

it('holds text of any length and script, and is used again', () => {
  const buffer = new ByteText();
  const pieces = ['', 'plain', 'é😀\u2028', 'x'.repeat(70_000), '漢'.repeat(70_000), 'end'];
  for (let round = 0; round < 2; round++) {
    for (const piece of pieces) buffer.add(piece);
    expect(buffer.content().toString()).toBe(pieces.join(''));
    expect(buffer.emptied()).toBe(buffer);
    expect(buffer.content()).toHaveLength(0);
  }
});

it('does not keep what one huge text needed', () => {
  const buffer = new ByteText();
  buffer.add('x'.repeat(1 << 20));
  expect(buffer.content()).toHaveLength(1 << 20);
  expect(buffer.emptied()).toBeNull();
});
