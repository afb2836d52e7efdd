import { describe, expect, it } from 'vitest';
import { aField, aSignature } from '../../../test/support/serving-fakes.ts';
import type { Datatype, InputTensor } from '../../contracts/oip/tensor.ts';
import type { Field } from '../../models/signature.ts';
import { compileReadRows } from './read-rows.ts';

const FIELDS = [
  aField('age', 'int64'),
  aField('income', 'float64', { nullable: true }),
  aField('city', 'string'),
  aField('member', 'bool', { required: false }),
];

function tensor(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  data: InputTensor['data'],
): InputTensor {
  return { name, datatype, shape, data };
}

const AGE = tensor('age', 'INT32', [2, 1], [41, 17]);
const INCOME = tensor('income', 'FP32', [2], new Float32Array([0.5, Number.NaN]));
const CITY = tensor('city', 'BYTES', [2, 1], ['Łódź', '']);

function read(inputs: readonly InputTensor[], fields: readonly Field[] = FIELDS, maxRows = 10) {
  return compileReadRows(aSignature(fields))(inputs, maxRows);
}

const matrixOf = (width: number) =>
  compileReadRows({
    ...aSignature(Array.from({ length: width }, (_, i) => aField(`f${i}`))),
    tensors: { matrix: { name: 'input', type: 'float32' }, outputs: [] },
  });

describe('rows of tensors', () => {
  it('are the values of each tensor in their places', () => {
    expect(read([CITY, AGE, INCOME]).rows).toEqual([
      { age: 41, income: 0.5, city: 'Łódź' },
      { age: 17, income: null, city: '' },
    ]);
  });

  it('have their fields in the order of the signature, whatever that of the tensors', () => {
    const [row] = read([CITY, AGE, INCOME]).rows ?? [];
    expect(Object.keys(row as object)).toEqual(['age', 'income', 'city']);
  });

  it('are read from a matrix, and from its columns by name', () => {
    const rows = [
      { f0: 1, f1: 2, f2: 3 },
      { f0: 4, f1: 5, f2: 6 },
    ];
    expect(matrixOf(3)([tensor('input', 'FP32', [2, 3], [1, 2, 3, 4, 5, 6])], 10).rows).toEqual(rows);
    const columns = rows.length === 2 ? ['f0', 'f1', 'f2'] : [];
    expect(
      matrixOf(3)(
        columns.map((name, i) => tensor(name, 'INT8', [2], [i + 1, i + 4])),
        10,
      ).rows,
    ).toEqual(rows);
  });

  it('hold arrays, also of a length that is open', () => {
    const image = tensor('image', 'UINT8', [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const expected = [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [5, 6],
        [7, 8],
      ],
    ];
    for (const shape of [
      [2, 2],
      [-1, 2],
    ])
      expect(read([image], [aField('image', 'float32', { shape })]).rows).toEqual(
        expected.map((value) => ({ image: value })),
      );
  });

  it('hold what is exact of 64 bits, and not what is not', () => {
    const at = (value: number | bigint) => read([tensor('n', 'INT64', [1], [value])], [aField('n', 'int64')]);
    expect(at(2 ** 53 - 1).rows).toEqual([{ n: 2 ** 53 - 1 }]);
    expect(at(2n ** 53n + 1n).problems).toEqual([
      expect.objectContaining({ path: 'n[0]', message: expect.stringContaining('2^53') }),
    ]);
  });

  it('hold no bytes that are no text', () => {
    const bytes = tensor('city', 'BYTES', [2, 1], ['Oslo', new Uint8Array([0xff])]);
    expect(read([AGE, INCOME, bytes]).problems).toEqual([
      expect.objectContaining({ path: 'city[1]', message: 'is not UTF-8' }),
    ]);
  });
});

describe('faults of tensors', () => {
  it('are all named at once', () => {
    const { problems } = read([
      tensor('age', 'BYTES', [2], ['41', '17']),
      tensor('city', 'BYTES', [3, 1], ['a', 'b', 'c']),
      tensor('town', 'BYTES', [2], ['a', 'b']),
      tensor('member', 'BOOL', [2, 2], [true, true, true, false]),
      tensor('member', 'BOOL', [2], [true, true]),
    ]);
    expect(problems?.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'age has the wrong datatype',
      'town is not an input of this model',
      'member has the wrong shape',
      'member is there twice',
      'income is missing',
    ]);
  });

  it.each([
    ['fewer values than its shape says', [2, 1], [1], 'has 1 values, and its shape [2, 1] says 2'],
    ['a negative dimension', [-1, 1], [1], 'has a dimension that is negative or no whole number'],
    [
      'a dimension that is no whole number',
      [1.5],
      [1],
      'has a dimension that is negative or no whole number',
    ],
    ['dimensions whose product overflows', [2 ** 40, 2 ** 40], [1], 'has a shape that is too large'],
    ['no dimension', [], [1], 'has the wrong shape'],
    ['a dimension of nothing', [1, 0], [], 'has a dimension of 0'],
  ])('%s', (_, shape, data, message) => {
    const fields = [aField('x')];
    expect(read([tensor('x', 'FP32', shape, data)], fields).problems).toEqual([
      expect.objectContaining({ path: 'x', message }),
    ]);
  });

  it('rows that differ from those of the first', () => {
    const { problems } = read([AGE, INCOME, tensor('city', 'BYTES', [1], ['a'])]);
    expect(problems).toEqual([{ path: 'city', message: 'has 1 rows, and age has 2' }]);
  });

  it('a matrix of another width, and one beside its columns', () => {
    const narrow = matrixOf(3)([tensor('input', 'FP32', [1, 2], [1, 2])], 10).problems;
    expect(narrow).toEqual([
      { path: 'input', message: 'has the wrong shape', expected: '[-1, 3]', got: '[1, 2]' },
    ]);
    const both = [tensor('f1', 'FP32', [1], [1]), tensor('input', 'FP32', [1, 3], [1, 2, 3])];
    expect(matrixOf(3)(both, 10).problems?.map(({ path }) => path)).toEqual(['input']);
    expect(matrixOf(3)([], 10).problems).toEqual([{ path: 'input', message: 'is missing' }]);
  });

  it('no rows, and too many', () => {
    const fields = [aField('x')];
    expect(read([tensor('x', 'FP32', [0, 1], [])], fields).problems).toEqual([
      { path: '', message: 'has no rows' },
    ]);
    const [three] = [tensor('x', 'FP32', [3], [1, 2, 3])];
    expect(() => read([three as InputTensor], fields, 2)).toThrow('3 rows in one request; the most is 2');
  });

  it('thousands of faults are not looked for once a hundred are known', () => {
    let looked = 0;
    const bad: InputTensor = {
      name: 'x',
      datatype: 'FP32',
      get shape() {
        looked++;
        return [-1];
      },
      data: [],
    };
    expect(read(new Array(5_000).fill(bad), [aField('x')]).problems).toHaveLength(100);
    expect(looked).toBeLessThan(500);
  });

  it('thousands of unknown names are counted', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => tensor(`u${i}`.padEnd(500), 'FP32', [1], [1]));
    const { problems } = read([tensor('x', 'FP32', [1], [1]), ...many], [aField('x')]);
    expect(problems).toHaveLength(6);
    expect(problems?.at(-1)?.message).toBe('and 4995 more inputs that this model does not have');
    expect(problems?.[0]?.path).toHaveLength(64);
  });
});
