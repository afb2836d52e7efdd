import { expect, it } from 'vitest';
import type { ElementType } from '../../signature.ts';
import { NUMBER_ARRAYS } from '../number-arrays.ts';
import { packTensors, unpackTensors } from './packed-tensors.ts';

const through = (tensors: Parameters<typeof packTensors>[0]) => {
  const packed = packTensors(tensors);
  return unpackTensors(structuredClone(packed, { transfer: [packed.buffer] }));
};

it('brings numbers of every type over, whatever lies beside them', () => {
  const tensors = Object.fromEntries(
    Object.entries(NUMBER_ARRAYS).map(([type, Numbers]) => {
      const big = type.endsWith('int64');
      const data = (Numbers as typeof Float64Array).from((big ? [0n, 1n, 100n] : [0, 1, 100]) as number[]);
      return [`a ${type}`, { type: type as ElementType, data, dims: [3, 1] }];
    }),
  );
  expect(Object.keys(tensors)).toHaveLength(12);
  expect(through(tensors)).toEqual(tensors);
});

it('brings texts over, empty and of any characters', () => {
  const tensors = { t: { type: 'string' as const, data: ['', 'é😀', '\0', '', 'plain', ''], dims: [6] } };
  expect(through(tensors)).toEqual(tensors);
});

it('copies the numbers, also of a part of a buffer', () => {
  const whole = Float32Array.of(1, 2, 3, 4);
  const packed = packTensors({ x: { type: 'float32', data: whole.subarray(1, 3), dims: [2] } });
  whole.fill(9);
  expect(unpackTensors(packed)['x']?.data).toEqual(Float32Array.of(2, 3));
});

it('brings over what has no values', () => {
  const tensors = { x: { type: 'float64' as const, data: new Float64Array(), dims: [0, 2] } };
  expect(through(tensors)).toEqual(tensors);
  expect(through({})).toEqual({});
});
