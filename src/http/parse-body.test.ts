import { describe, expect, it } from 'vitest';
import { parseBody } from './parse-body.ts';

const parse = (text: string) => parseBody(Buffer.from(text));

describe('a body', () => {
  it('is JSON in UTF-8, with or without a byte order mark', () => {
    expect(parse('{"a":"é😀"}')).toEqual({ a: 'é😀' });
    expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 });
  });

  it('keeps __proto__ as a key', () => {
    expect(Object.keys(parse('{"__proto__":{"a":1}}') as object)).toEqual(['__proto__']);
  });

  it('may be deep, but not deeper than 64 levels when it is large', () => {
    const padding = `"${'x'.repeat(70_000)}"`;
    const deep = (levels: number) => `[${padding},${'['.repeat(levels)}${']'.repeat(levels)}]`;
    expect(parse(deep(63))).toHaveLength(2);
    expect(() => parse(deep(64))).toThrowError(/deeper than 64/);
    expect(() => parse('['.repeat(5_000_000))).toThrowError(/deeper than 64/);
    expect(parse(`["${'['.repeat(70_000)}"]`)).toHaveLength(1);
    expect(parse(`["${'\\"['.repeat(40_000)}"]`)).toHaveLength(1);
  });

  it.each([
    ['nothing', '', /empty/],
    ['NaN', '{"a": NaN}', /send null/],
    ['-Infinity', '[1,-Infinity]', /send null/],
    ['single quotes', "{'a': 1}", /double quotes/],
    ['a broken one', '{"a": 1', /not valid JSON/],
  ])('%s is refused with what to do', (_name, text, reason) => {
    expect(() => parse(text)).toThrowError(reason);
    expect(() => parse(text)).toThrowError(expect.objectContaining({ code: 'BODY_MALFORMED' }));
  });

  it('in another encoding is refused', () => {
    expect(() => parseBody(Buffer.from('{"a":"é"}', 'latin1'))).toThrowError(/UTF-8/);
    expect(() => parseBody(Buffer.from('{"a":1}', 'utf16le'))).toThrowError(/not valid JSON/);
  });
});
