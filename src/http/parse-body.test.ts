import { describe, expect, it } from 'vitest';
import { parseBody } from './parse-body.ts';

const parse = (text: string | Buffer) => parseBody(Buffer.from(text as string)).value;
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

  it('refuses a large body with more different names than any model has', () => {
    const names = (count: number) =>
      `{${Array.from({ length: count }, (_, i) => `"${'n'.repeat(60)}${i}":1`).join(',')}}`;
    expect(() => parse(names(19_000))).not.toThrow();
    expect(() => parse(names(21_000))).toThrow('more than 20000 different field names');
  });

  it('does not count brackets inside strings', () => {
    const text = JSON.stringify({ a: `${'['.repeat(10_000)}\\"${'{'.repeat(10_000)}`, b: '\\' });
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it('finds the depth of ten megabytes of brackets without building them', () => {
    expect(() => parse(Buffer.alloc(10_000_000, '['))).toThrow('nested deeper');
  });
});

describe('the text of a body', () => {
  const texts = (text: string) => {
    const { text: whole, elements } = parseBody(Buffer.from(text));
    return { whole, elements };
  };
  const rows = Array.from({ length: 70 }, (_, i) => `{"a": ${i}, "b": "é[\\"]", "c": [[1]]}`);

  it('is kept whole when it is one short line', () => {
    expect(texts('{"a": 1.0,\t"b":"\\n"}').whole).toBe('{"a": 1.0,\t"b":"\\n"}');
    expect(texts('\ufeff{"a":1}').whole).toBe('{"a":1}');
    expect(texts('{"a":\n1}').whole).toBeNull();
    expect(texts('{"a":1}\r').whole).toBeNull();
    expect(texts(`{"a":1${' '.repeat(4096)}}`).whole).toBeNull();
  });

  it('is kept for each row of a list', () => {
    expect(texts(`{"instances": [${rows.join(' , ')}], "n": 1}`).elements).toEqual(rows);
    expect(texts(`{"instances":[${rows.join(',\n')}]}`).elements).toBeNull();
    const long = `{"a":"${'x'.repeat(5000)}"}`;
    expect(texts(`{"instances":[${[...rows, long].join()}]}`).elements).toEqual([...rows, null]);
  });

  it.each([
    ['another list', `{"instances":[${rows[0]}],"other":[${rows[1]}]}`],
    ['a list that a second of its name replaced', `{"instances":[${rows[0]}],"instances":[${rows[1]}]}`],
    [
      'a replaced list, with as many rows as there are pairs',
      '{"instances":[{"a":1}],"instances":[{"a":2},5]}',
    ],
    ['nested objects', '{"instances":[{"a":{"b":1}}]}'],
    ['braces inside a string, with as many rows as there are pairs', '{"instances":[{"a":"} {"},5]}'],
    ['braces inside a key', '{"instances":[{"}{":1}]}'],
    ['a brace inside a string', '{"instances":[{"a":"{"},{"a":"}"}]}'],
    ['a closing brace inside a string', '{"instances":[{"a":"}"},{"a":1}]}'],
    ['a row that is no object', '{"instances":[{"a":1},5]}'],
  ])('is not guessed for %s', (_, text) => {
    expect(texts(text).elements).toBeNull();
  });
});
