import { describe, expect, it } from 'vitest';
import { decodeRaw, encodeRaw } from './raw-tensor.ts';
import type { Datatype, TensorValues } from './tensor.ts';

const CASES: readonly (readonly [Datatype, TensorValues, string])[] = [
  ['BOOL', [true, false], '0100'],
  ['UINT8', [0, 255], '00ff'],
  ['UINT16', [1, 65_535], '0100ffff'],
  ['UINT32', [4_294_967_295], 'ffffffff'],
  ['UINT64', [1, 2n ** 64n - 1n], '0100000000000000ffffffffffffffff'],
  ['INT8', [-128, 127], '807f'],
  ['INT16', [-2], 'feff'],
  ['INT32', [-2], 'feffffff'],
  ['INT64', [-2, -(2n ** 63n)], 'feffffffffffffff0000000000000080'],
  ['FP16', [1, -2], '003c00c0'],
  ['BF16', [1, -2], '803f00c0'],
  ['FP32', new Float32Array([1.5]), '0000c03f'],
  ['FP64', new Float64Array([1.5]), '000000000000f83f'],
  ['BYTES', ['é', ''], '02000000c3a900000000'],
];

describe('raw contents', () => {
  it.each(CASES)('of %s are read and written', (datatype, data, hex) => {
    expect(encodeRaw({ datatype, data }).toString('hex')).toBe(hex);
    expect(decodeRaw(datatype, Buffer.from(hex, 'hex'))).toEqual(data);
  });

  it('are read wherever they begin', () => {
    const shifted = Buffer.from(`ff${CASES[11]?.[2]}`, 'hex').subarray(1);
    expect(decodeRaw('FP32', shifted)).toEqual(new Float32Array([1.5]));
  });

  it('keep bytes that are no UTF-8', () => {
    expect(decodeRaw('BYTES', Buffer.from('01000000ff', 'hex'))).toEqual([Buffer.from([0xff])]);
    expect(decodeRaw('BYTES', Buffer.from('03000000efbfbd', 'hex'))).toEqual(['\ufffd']);
  });

  it.each([
    ['FP32', '000000'],
    ['BYTES', '0100'],
    ['BYTES', '05000000aa'],
    ['BYTES', 'ffffffffaa'],
  ] as const)('of %s that break off are refused', (datatype, hex) => {
    expect(decodeRaw(datatype, Buffer.from(hex, 'hex'))).toBeNull();
  });
});
