import { describe, expect, it } from 'vitest';
import { toStandardJson } from './python-json.ts';

function parsed(text: string): unknown {
  return JSON.parse(toStandardJson(Buffer.from(text)).toString('utf8'));
}

describe('JSON as Python writes it', () => {
  it('has null for NaN and numbers that are too large for Infinity', () => {
    expect(parsed('{"a": [NaN, 1, Infinity, -Infinity], "b": NaN}')).toEqual({
      a: [null, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      b: null,
    });
  });

  it('keeps texts and names', () => {
    const text = '{"NaN": "NaN, Infinity \\" NaN \\\\", "grün": ["-Infinity 😀"], "n": NaN}';
    expect(parsed(text)).toEqual({ NaN: 'NaN, Infinity " NaN \\', grün: ['-Infinity 😀'], n: null });
  });

  it('hands on what has neither, the same bytes', () => {
    const body = Buffer.from('{"a": 1}');
    expect(toStandardJson(body)).toBe(body);
  });

  it('takes time in proportion to the length, also where no string ends', () => {
    const evil = Buffer.from(`NaN${'"\\"'.repeat(300_000)}`);
    expect(toStandardJson(evil).toString('latin1').startsWith('null')).toBe(true);
  });

  it('leaves what is malformed malformed', () => {
    expect(() => parsed('{"a": NaNNaN}')).toThrow();
    expect(() => parsed('{"a": NaN')).toThrow();
    expect(() => parsed('{"a": 1NaN}')).toThrow();
  });
});
