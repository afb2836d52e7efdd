import { describe, expect, it } from 'vitest';
import { aField } from '../../test/support/serving-fakes.ts';
import type { JsonValue } from '../kernel/json.ts';
import type { Field, Signature } from '../models/signature.ts';
import { isWrapped, rowOf } from './row.ts';

function signature(fields: readonly Field[], acceptsArray: boolean): Signature {
  return { fields, acceptsArray, output: { task: 'regression' }, tensors: { matrix: null, outputs: [] } };
}

const matrix = signature([aField('f0'), aField('f1')], true);
const table = signature([aField('a'), aField('b')], false);
const image = signature([aField('input', 'float32', { shape: [2, 2] })], true);

describe('rowOf', () => {
  it('reads an array as the fields of a bare matrix in order', () => {
    expect(rowOf(matrix, [1, null])).toEqual({ f0: 1, f1: null });
  });

  it('reads an array as the value of the only field that takes one', () => {
    expect(
      rowOf(image, [
        [1, 2],
        [3, 4],
      ]),
    ).toEqual({
      input: [
        [1, 2],
        [3, 4],
      ],
    });
  });

  it.each([
    [table, [1, 2]],
    [matrix, [1, 2, 3]],
    [matrix, []],
    [matrix, { f0: 1 }],
    [matrix, 'text'],
    [image, { input: 1 }],
  ] as [Signature, JsonValue][])('hands on what is neither', (of, value) => {
    expect(rowOf(of, value)).toBe(value);
  });
});

describe('isWrapped', () => {
  const own = signature([aField('features'), aField('b')], false);
  const list = signature([aField('features', 'float32', { shape: [-1] })], true);

  it.each([
    [table, { features: { a: 1 } }, true],
    [table, { features: { a: 1 }, id: 'x' }, true],
    [matrix, { features: [1, 2] }, true],
    [table, { features: 1 }, false],
    [table, { features: null }, false],
    [table, { features: 'text' }, false],
    [table, { a: 1, b: 2 }, false],
    [own, { features: 1, b: 2 }, false],
    [own, { features: { features: 1, b: 2 } }, false],
    [list, { features: [1, 2] }, false],
    [table, [1], false],
    [table, null, false],
  ] as [Signature, JsonValue, boolean][])('%#: %s', (of, body, expected) => {
    expect(isWrapped(of, body)).toBe(expected);
  });
});
