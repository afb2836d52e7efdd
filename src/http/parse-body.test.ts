import { describe, expect, it } from 'vitest';
import { parseBody } from './parse-body.ts';

const parse = (text: string | Buffer) => parseBody(Buffer.from(text as string));
const nested = (levels: number, pad = '') => `${'['.repeat(levels)}"${pad}"${']'.repeat(levels)}`;

describe('parseBody', () => {
  it.each(['{}', '[]', 'null', '1', '"é😀"', '{"a":{"b":[1,2.5,null,true]}}', ' {"a" : 1}\r\n'])(
    'reads %s',
    (text) => {
      expect(parse(text)).toEqual(JSON.parse(text));
    },
  );

  it('passes over a byte order mark', () => {
    expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 });
  });

  it('takes __proto__ for a key like any other', () => {
    const body = parse('{"__proto__":{"polluted":true}}') as object;
    expect(Object.hasOwn(body, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each([
    ['nothing', '', /empty/],
    ['a byte order mark alone', '\ufeff', /not valid JSON/],
    ['half an object', '{"a":', /not valid JSON/],
    ['two values', '{} {}', /not valid JSON/],
    ['a trailing comma', '[1,]', /not valid JSON/],
    ['single quotes', "{'a': 1}", /double quotes/],
    ['NaN', '{"a": NaN}', /send null/],
    ['-Infinity', '[-Infinity]', /send null/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'BODY_MALFORMED' }));
    expect(() => parse(text)).toThrow(message);
  });

  it('refuses what is not UTF-8', () => {
    expect(() => parse(Buffer.from([0x22, 0xff, 0x22]))).toThrow('not UTF-8');
    expect(() => parse(Buffer.from('"é"', 'latin1'))).toThrow('not UTF-8');
  });

  it('never repeats the body', () => {
    expect(() => parse('{"card": 4111111111111111 hunter2}')).toThrow(/^(?!.*(4111|hunter2))/s);
  });

  it.each([
    ['small', ''],
    ['large', 'x'.repeat(20_000)],
  ])('takes 64 levels and no more of a %s body', (_, pad) => {
    expect(() => parse(nested(64, pad))).not.toThrow();
    expect(() => parse(nested(65, pad))).toThrow('nested deeper than 64 levels');
  });

  it('does not count brackets inside strings', () => {
    const text = JSON.stringify({ a: `${'['.repeat(10_000)}\\"${'{'.repeat(10_000)}`, b: '\\' });
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it('finds the depth of ten megabytes of brackets without building them', () => {
    expect(() => parse(Buffer.alloc(10_000_000, '['))).toThrow('nested deeper');
  });
});
