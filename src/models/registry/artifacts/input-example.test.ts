import { describe, expect, it } from 'vitest';
import { aField, aSignature } from '../../../../test/support/serving-fakes.ts';
import type { Signature } from '../../signature.ts';
import { rowsOfExample } from './input-example.ts';

const TWO = aSignature([aField('a'), aField('b')]);
const ONE = aSignature([aField('a')]);
const VECTOR = aSignature([{ ...aField('v'), shape: [2] }]);
const MATRIX: Signature = {
  ...TWO,
  tensors: { ...TWO.tensors, matrix: { name: 'X', type: 'float32' } },
};
const rows = [
  { a: 1, b: 2 },
  { a: 3, b: 4 },
];

describe('rowsOfExample', () => {
  it.each([
    [
      'a DataFrame',
      TWO,
      {
        dataframe_split: {
          columns: ['a', 'b'],
          data: [
            [1, 2],
            [3, 4],
          ],
        },
      },
      rows,
    ],
    [
      'one tensor of several fields',
      MATRIX,
      {
        inputs: [
          [1, 2],
          [3, 4],
        ],
      },
      rows,
    ],
    [
      'the tensor by its name',
      MATRIX,
      {
        inputs: {
          X: [
            [1, 2],
            [3, 4],
          ],
        },
      },
      rows,
    ],
    ['columns', TWO, { inputs: { a: [1, 3], b: [2, 4] } }, rows],
    ['columns of one element', TWO, { inputs: { a: [[1], [3]], b: [[2], [4]] } }, rows],
    ['columns without one that is missing', TWO, { inputs: { a: [1, 3] } }, [{ a: 1 }, { a: 3 }]],
    ['rows as objects', TWO, { inputs: rows }, rows],
    ['one scalar field', ONE, { inputs: [[1], 3] }, [{ a: 1 }, { a: 3 }]],
    ['one field that is a vector', VECTOR, { inputs: [[1, 2]] }, [{ v: [1, 2] }]],
  ])('reads %s', (_what, signature, example, expected) => {
    expect(rowsOfExample(example, signature)).toEqual(expected);
  });

  it.each([
    ['nothing', null],
    ['another form', { instances: [1] }],
    ['a DataFrame without data', { dataframe_split: { columns: ['a'] } }],
    ['rows of another width', { inputs: [[1, 2, 3]] }],
    ['columns of unequal length', { inputs: { a: [1], b: [1, 2] } }],
  ])('gives no rows for %s', (_what, example) => {
    expect(rowsOfExample(example, TWO)).toEqual([]);
  });
});
