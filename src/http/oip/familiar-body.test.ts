import { describe, expect, it } from 'vitest';
import type { InferRequest } from '../../dialects/oip/protocol.ts';
import { FamiliarBody } from './familiar-body.ts';
import { readInferRequest } from './read-request.ts';

const read = (text: string): InferRequest =>
  readInferRequest('credit', '', { body: Buffer.from(text), jsonLength: null });

function learnt(text: string): FamiliarBody {
  const familiar = FamiliarBody.of(text, read(text));
  if (familiar === null) throw new Error('It was not learnt');
  return familiar;
}

interface Parts {
  readonly age?: string;
  readonly city?: string;
  readonly id?: string;
  readonly rest?: string;
}

function body({ age = '41', city = '"Ulm"', id = '"a"', rest = '' }: Parts = {}): string {
  return `{"id": ${id}, "inputs": [
    {"name": "age", "shape": [1, 1], "datatype": "FP64", "data": [${age}]},
    {"name": "city", "datatype": "BYTES", "parameters": {"content_type": "str"}, "shape": [1], "data": [ ${city} ]}
  ]${rest}}`;
}

describe('FamiliarBody', () => {
  it.each<Parts>([
    {},
    { age: '-0' },
    { age: '0.5e-7' },
    { age: '1E400' },
    { age: 'null', city: 'null' },
    { city: '""' },
    { city: '"München 😀"' },
    { city: '"data: [1], {}"' },
    { id: '"b"' },
    { id: '""' },
  ])('reads %j as the whole reading does', (parts) => {
    expect(learnt(body()).read(body(parts))).toEqual(read(body(parts)));
  });

  it.each<[string, string]>([
    ['another text between the values', body({ rest: ', "outputs": []' })],
    ['something behind the end', `${body()} `],
    ['less than the whole', body().slice(0, -1)],
    ['nothing', ''],
    ['a number that is none', body({ age: '041' })],
    ['a sign alone', body({ age: '-' })],
    ['a word that is none', body({ age: 'NaN' })],
    ['two values', body({ age: '1, 2' })],
    ['no value', body({ age: '' })],
    ['a list', body({ age: '[1]' })],
    ['an object', body({ age: '{}' })],
    ['a text with an escape', body({ city: '"\\u0041"' })],
    ['a text with a line break', body({ city: '"a\nb"' })],
    ['a text that does not end', body({ city: '"a' })],
    ['a text where a number belongs', body({ age: '"41"' })],
    ['a number where a text belongs', body({ city: '41' })],
    ['an id that is no text', body({ id: '7' })],
    ['a text that ends the list inside', body({ city: '"a"], "data": ["b"' })],
  ])('knows that %s is not familiar', (_what, text) => {
    expect(learnt(body()).read(text)).toBeNull();
  });

  it.each<[string, string]>([
    ['several rows', '{"inputs":[{"name":"a","shape":[2],"datatype":"FP64","data":[1,2]}]}'],
    ['nested data', '{"inputs":[{"name":"a","shape":[1,1],"datatype":"FP64","data":[[1]]}]}'],
    [
      'data that are there twice',
      '{"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1],"data":[2]}]}',
    ],
    [
      'inputs that are there twice',
      '{"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]}],"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[2]}]}',
    ],
    [
      'data of something else',
      '{"data":[1],"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]}]}',
    ],
    [
      'an id of something else',
      '{"parameters":{"id":"x"},"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]}]}',
    ],
    ['a text with an escape', '{"inputs":[{"name":"a","shape":[1],"datatype":"BYTES","data":["\\n"]}]}'],
  ])('does not learn %s', (_what, text) => {
    expect(FamiliarBody.of(text, read(text))).toBeNull();
  });

  it('learns no large body', () => {
    const text = body({ city: JSON.stringify('x'.repeat(20_000)) });
    expect(FamiliarBody.of(text, read(text))).toBeNull();
  });
});
