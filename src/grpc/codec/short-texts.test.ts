import { describe, expect, test } from 'vitest';
import { readText } from './short-texts.ts';

describe('readText', () => {
  test.each([
    '',
    'a',
    'n0',
    'FP64',
    'content_type',
    'Zürich',
    '東京',
    '\u0000\u007f',
    'x'.repeat(32),
    'y'.repeat(33),
  ])('reads %j, also when it was read before', (text) => {
    expect([read(text), read(text)]).toEqual([text, text]);
  });

  test('bytes that are no UTF-8 become replacement characters', () => {
    expect(readText(Buffer.from([0x61, 0xff]), 0, 2)).toBe('a\ufffd');
  });

  test('texts that share a place are never taken for one another', () => {
    const texts = Array.from({ length: 5_000 }, (_, i) => `name_${i}`);
    for (const again of [...texts, ...texts]) expect(read(again)).toBe(again);
  });
});

function read(text: string): string {
  const bytes = Buffer.from(`<${text}>`);
  return readText(bytes, 1, bytes.length - 1);
}
