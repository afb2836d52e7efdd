import { expect, it } from 'vitest';
import { indexedText } from './indexed-text.ts';

it.each(['', 'order-1', '😀 é \u2028', '\u0001', 'x'.repeat(512)])('leaves %j as it is', (text) => {
  expect(indexedText(text)).toBe(text);
});

it.each(['a\0b', '\ud800', 'x\udc00y', 'x'.repeat(513), indexedText('\0')])('hashes %j', (text) => {
  expect(indexedText(text)).toMatch(/sha256:[0-9a-f]{64}$/);
  expect(indexedText(text)).not.toBe(text);
});

it('keeps different texts apart, lone surrogates too', () => {
  const texts = ['\ud800', '\ud801', '\udc00', '\ufffd', 'a\0b', 'a\0c', 'a', indexedText('\ud800')];
  expect(new Set(texts.map(indexedText)).size).toBe(texts.length);
});
