import { describe, expect, it } from 'vitest';
import { aField } from '../../../../test/support/serving-fakes.ts';
import type { Field } from '../../signature.ts';
import { compileColumns, type EncodedColumns } from './columns.ts';

function read({ columns, body }: EncodedColumns): unknown {
  const listed = JSON.parse(columns) as readonly (Record<string, unknown> & {
    offset: number;
    bytes: number;
  })[];
  return listed.map(({ name, type, offset, bytes, ...rest }) => {
    if (offset === undefined) return [name, type, rest];
    expect(offset % 8).toBe(0);
    const raw = body.slice(offset, offset + bytes);
    return [name, type, { ...rest, raw: [...new Float64ArrayOf[type as 'float64'](raw.buffer)] }];
  });
}

const Float64ArrayOf = {
  float64: Float64Array,
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  float16: Uint16Array,
};

function encode(fields: readonly Field[], rows: readonly object[]): unknown {
  return read(compileColumns(fields).encode(rows as never));
}

describe('columns', () => {
  it('of numbers are raw, each at a multiple of eight', () => {
    const fields = [
      aField('a', 'uint8'),
      aField('b', 'float64'),
      aField('c', 'int64'),
      aField('d', 'bool'),
      aField('e', 'float32'),
      aField('f', 'uint64'),
      aField('g', 'float16'),
    ];
    const rows = [
      { a: 1, b: 0.1, c: -5, d: true, e: 0.5, f: 9, g: 1 },
      { a: 255, b: -1e300, c: 2 ** 53 - 1, d: false, e: 3, f: 0, g: null },
    ];
    expect(encode(fields, rows)).toEqual([
      ['a', 'uint8', { raw: [1, 255] }],
      ['b', 'float64', { raw: [0.1, -1e300] }],
      ['c', 'int64', { raw: [-5n, 9007199254740991n] }],
      ['d', 'bool', { raw: [1, 0] }],
      ['e', 'float32', { raw: [0.5, 3] }],
      ['f', 'uint64', { raw: [9n, 0n] }],
      ['g', 'float16', { raw: [0x3c00, 0x7e00] }],
    ]);
  });

  it('have NaN for a float that is missing, and are JSON where a whole number is', () => {
    const fields = ['float64', 'float32', 'int32', 'bool'].map((type) => aField(type, type as 'bool'));
    expect(
      encode(fields, [
        { float64: null, int32: 3, bool: true },
        { float32: 2, int32: null },
      ]),
    ).toEqual([
      ['float64', 'float64', { raw: [Number.NaN, Number.NaN] }],
      ['float32', 'float32', { raw: [Number.NaN, 2] }],
      ['int32', 'int32', { values: [3, null] }],
      ['bool', 'bool', { values: [true, null] }],
    ]);
  });

  it('of texts and of arrays of any length are JSON', () => {
    const fields = [aField('"t"', 'string'), aField('v', 'float64', { shape: [-1] })];
    expect(encode(fields, [{ '"t"': 'é\n', v: [1, 2] }, { v: [] }])).toEqual([
      ['"t"', 'string', { values: ['é\n', null] }],
      ['v', 'float64', { values: [[1, 2], []] }],
    ]);
  });

  it('of arrays of a fixed shape are raw with their shape', () => {
    const fields = [aField('m', 'float32', { shape: [2, 2] }), aField('w', 'int64', { shape: [2] })];
    const rows = [
      {
        m: [
          [1, 2],
          [3, null],
        ],
        w: [1, 2],
      },
      {
        m: [
          [5, 6],
          [7, 8],
        ],
        w: [3, null],
      },
    ];
    expect(encode(fields, rows)).toEqual([
      ['m', 'float32', { shape: [2, 2], raw: [1, 2, 3, Number.NaN, 5, 6, 7, 8] }],
      [
        'w',
        'int64',
        {
          values: [
            [1, 2],
            [3, null],
          ],
        },
      ],
    ]);
  });

  it('of many rows and of a few after them are right', () => {
    const { encode: next } = compileColumns([aField('a', 'float64'), aField('b', 'float64')]);
    const rows = Array.from({ length: 1_000 }, (_, i) => ({ a: i, b: -i }));
    expect(read(next(rows))).toEqual([
      ['a', 'float64', { raw: rows.map(({ a }) => a) }],
      ['b', 'float64', { raw: rows.map(({ b }) => b) }],
    ]);
    expect(read(next([{ a: 7, b: 8 }]))).toEqual([
      ['a', 'float64', { raw: [7] }],
      ['b', 'float64', { raw: [8] }],
    ]);
  });

  it('of vectors are those of their rows', () => {
    const encoder = compileColumns([aField('a', 'float64'), aField('b', 'float32')]);
    expect(read(encoder.encodeVectors(new Float32Array([1, 2, 3, 4]), 2))).toEqual([
      ['a', 'float64', { raw: [1, 3] }],
      ['b', 'float32', { raw: [2, 4] }],
    ]);
  });
});
