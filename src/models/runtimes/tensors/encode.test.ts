import { describe, expect, it } from 'vitest';
import { aField } from '../../../../test/support/serving-fakes.ts';
import type { JsonValue } from '../../../kernel/json.ts';
import { RowTable } from '../../row-table.ts';
import type { ElementType } from '../../signature.ts';
import { shapeOf } from '../value-shape.ts';
import { compileEncoder, compileTableEncoder, compileVectorEncoder } from './encode.ts';

function plan(type: ElementType, fields: readonly string[], rowShape: readonly number[] = [fields.length]) {
  return { name: 'input', type, rowShape, fields };
}

describe('scalar fields', () => {
  it('go side by side, row after row', () => {
    const encode = compileEncoder(plan('float32', ['a', 'b']));
    const { data, dims } = encode([
      { b: 2, a: 1 },
      { a: 3, b: 4.5 },
    ]);
    expect(dims).toEqual([2, 2]);
    expect(data).toEqual(new Float32Array([1, 2, 3, 4.5]));
  });

  it.each([
    ['bool', [true, false], new Uint8Array([1, 0])],
    ['int8', [-128, 127], new Int8Array([-128, 127])],
    ['int16', [-32_768, 32_767], new Int16Array([-32_768, 32_767])],
    ['int32', [-1, 2_147_483_647], new Int32Array([-1, 2_147_483_647])],
    [
      'int64',
      [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
      new BigInt64Array([-9007199254740991n, 9007199254740991n]),
    ],
    ['uint8', [0, 255], new Uint8Array([0, 255])],
    ['uint16', [0, 65_535], new Uint16Array([0, 65_535])],
    ['uint32', [0, 4_294_967_295], new Uint32Array([0, 4_294_967_295])],
    ['uint64', [0, Number.MAX_SAFE_INTEGER], new BigUint64Array([0n, 9007199254740991n])],
    ['float16', [1, -2], new Uint16Array([0x3c00, 0xc000])],
    ['float32', [0.1, null], new Float32Array([0.1, Number.NaN])],
    ['float64', [0.1, null], new Float64Array([0.1, Number.NaN])],
    ['string', ['é', null], ['é', '']],
  ] as [ElementType, JsonValue[], ArrayLike<unknown>][])('%s', (type, values, expected) => {
    const { data, dims } = compileEncoder(plan(type, ['a']))(values.map((a) => ({ a })));
    expect(data).toEqual(expected);
    expect(dims).toEqual([2, 1]);
    const numbers = Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)));
    const column = type === 'string' ? (values as (string | null)[]) : numbers;
    const fields = [aField('a', type)];
    const table = new RowTable(fields, [column], values.length);
    expect(compileTableEncoder(plan(type, ['a']), fields)(table)).toEqual({ data, dims });
  });

  it('of columns go side by side too, and what is missing in them is what the graph takes for it', () => {
    const fields = [aField('a', 'float64'), aField('b', 'float32'), aField('t', 'string')];
    const columns = [Float64Array.of(1, 2), Float64Array.of(3, Number.NaN), ['x', null]];
    const table = new RowTable(fields, columns, 2);
    const { data, dims } = compileTableEncoder(plan('float32', ['b', 'a']), fields)(table);
    expect([data, dims]).toEqual([new Float32Array([3, 1, Number.NaN, 2]), [2, 2]]);
    expect(compileTableEncoder(plan('string', ['t']), fields, 'none')(table).data).toEqual(['x', 'none']);
  });

  it('that are away are NaN, or the empty string', () => {
    expect(compileEncoder(plan('float32', ['a', 'constructor']))([{ a: 1 }]).data).toEqual(
      new Float32Array([1, Number.NaN]),
    );
    expect(compileEncoder(plan('string', ['a', 'toString']))([{ a: 'x' }]).data).toEqual(['x', '']);
  });

  it('keep the row shape of the graph', () => {
    expect(compileEncoder(plan('float32', ['a'], []))([{ a: 1 }]).dims).toEqual([1]);
    expect(compileEncoder(plan('float32', ['a'], [1, 1]))([{ a: 1 }, { a: 2 }]).dims).toEqual([2, 1, 1]);
  });

  it('of a longer batch do not show through in a shorter one after it', () => {
    const encode = compileEncoder(plan('float32', ['a']));
    expect(encode(Array.from({ length: 500 }, (_, a) => ({ a }))).data).toHaveLength(500);
    expect(encode([{ a: 7 }]).data).toEqual(new Float32Array([7]));
  });
});

describe('a field that takes an array', () => {
  it('is laid out row-major', () => {
    const encode = compileEncoder(plan('int64', ['m'], [2, 2]));
    const { data, dims } = encode([
      {
        m: [
          [1, 2],
          [3, 4],
        ],
      },
      {
        m: [
          [5, 6],
          [7, 8],
        ],
      },
    ]);
    expect(dims).toEqual([2, 2, 2]);
    expect(data).toEqual(new BigInt64Array([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]));
  });

  it('takes a free dimension from the first row', () => {
    const encode = compileEncoder(plan('float32', ['m'], [-1]));
    expect(encode([{ m: [1, 2, 3] }])).toEqual({ data: new Float32Array([1, 2, 3]), dims: [1, 3] });
    expect(encode([{ m: [] }])).toEqual({ data: new Float32Array([]), dims: [1, 0] });
  });

  it('may be of strings, or hold nulls', () => {
    expect(compileEncoder(plan('string', ['m'], [2]))([{ m: ['a', 'b'] }]).data).toEqual(['a', 'b']);
    expect(compileEncoder(plan('float16', ['m'], [2]))([{ m: [1, null] }]).data).toEqual(
      new Uint16Array([0x3c00, 0x7e00]),
    );
  });
});

describe('shapeOf', () => {
  it.each([
    [1, []],
    [[], [0]],
    [[1, 2], [2]],
    [
      [[1], [2], [3]],
      [3, 1],
    ],
  ] as [JsonValue, number[]][])('%j', (value, shape) => expect(shapeOf(value)).toEqual(shape));
});

describe('numbers that lie ready', () => {
  const fields = [aField('a'), aField('b', 'float64'), aField('c')];
  const vectors = new Float32Array([1, 2, 3, 4, 5, Number.NaN]);

  it('are the tensor where it takes all of them', () => {
    const { data, dims } = compileVectorEncoder(plan('float32', ['a', 'b', 'c']), fields)(vectors, 2);
    expect(data).toBe(vectors);
    expect(dims).toEqual([2, 3]);
  });

  it('are shared out over tensors of their own, whatever their order', () => {
    const one = compileVectorEncoder(plan('float64', ['b'], [1]), fields)(vectors, 2);
    expect(one).toEqual({ data: new Float64Array([2, 5]), dims: [2, 1] });
    const two = compileVectorEncoder(plan('float32', ['c', 'a']), fields)(vectors, 2);
    expect(two).toEqual({ data: new Float32Array([3, 1, Number.NaN, 4]), dims: [2, 2] });
  });
});
