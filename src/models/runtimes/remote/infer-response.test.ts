import { describe, expect, it } from 'vitest';
import type { ElementType } from '../../signature.ts';
import { readInfer } from './infer-response.ts';
import type { PeerPort } from './peer-description.ts';
import type { PeerFault } from './peer-fault.ts';

const port = (type: ElementType = 'float32', shape: PeerPort['shape'] = ['rows']): PeerPort => ({
  name: 'y',
  type,
  shape,
  contentType: null,
});

function read(output: object, wanted = port(), rows = 2) {
  const body = Buffer.from(
    JSON.stringify({ model_name: 'm', outputs: [{ name: 'other' }, { name: 'y', ...output }] }),
  );
  return readInfer({ body, jsonLength: null }, [wanted], rows)['y'];
}

function readBytes(datatype: string, bytes: Buffer, wanted: PeerPort, size = bytes.length) {
  const output = { name: 'y', datatype, shape: [2], parameters: { binary_data_size: size } };
  const head = Buffer.from(JSON.stringify({ outputs: [output] }));
  return readInfer({ body: Buffer.concat([head, bytes]), jsonLength: head.length }, [wanted], 2)['y'];
}

function faultOf(work: () => unknown): PeerFault {
  try {
    work();
  } catch (error) {
    return error as PeerFault;
  }
  throw new Error('it was taken');
}

describe('an answer in JSON', () => {
  it.each<[object, PeerPort, unknown]>([
    [{ datatype: 'FP32', shape: [2], data: [0.1, null] }, port(), Float32Array.of(0.1, Number.NaN)],
    [{ datatype: 'FP64', shape: [2, 1], data: [[0.1], [2]] }, port('float64'), Float64Array.of(0.1, 2)],
    [{ datatype: 'INT64', shape: [2], data: [9007199254740991, 0] }, port('int64'), [9007199254740991, 0]],
    [{ datatype: 'BYTES', shape: [2], data: ['a', 'é'] }, port('string', ['rows', 1]), ['a', 'é']],
    [{ datatype: 'BOOL', shape: [2], data: [true, false] }, port('bool'), [true, false]],
    [
      { datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] },
      port('float32', ['rows', 'n']),
      Float32Array.of(1, 2, 3, 4),
    ],
    [
      { datatype: 'FP32', shape: [2, 1], data: [1, 2] },
      port('float32', ['rows', 'n']),
      Float32Array.of(1, 2),
    ],
  ])('%j is taken', (output, wanted, data) => {
    expect(read(output, wanted)?.data).toEqual(data);
  });

  it.each<[object, PeerPort, RegExp]>([
    [{ datatype: 'FP64', shape: [2], data: [1, 2] }, port(), /as FP64, and its metadata says FP32/],
    [{ datatype: 'FP32', shape: [3], data: [1, 2, 3] }, port(), /the shape \[3\] of "y" for 2 rows/],
    [{ datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] }, port(), /its metadata says \[rows\]/],
    [{ datatype: 'FP32', shape: [2], data: [1] }, port(), /has 1 values of "y", and its shape \[2\] says 2/],
    [{ datatype: 'FP32', shape: [2], data: ['1', '2'] }, port(), /values that are no FP32/],
    [{ datatype: 'FP32', shape: [2, 1], data: [[1, 2], []] }, port(), /nested otherwise/],
    [{ datatype: 'FP32', shape: [2] }, port(), /has no data of "y"/],
    [{ datatype: 'FP32', shape: '2', data: [1, 2] }, port(), /has no shape of "y"/],
    [
      { datatype: 'FP32', shape: [2], data: [1, 2], parameters: { binary_data_size: 8 } },
      port(),
      /8 bytes, which it does not hold/,
    ],
    [{ name: 'z' }, port(), /has no output "y"/],
  ])('%j is garbled', (output, wanted, reason) => {
    const fault = faultOf(() => read(output, wanted));
    expect([fault.kind, fault.message]).toEqual(['garbled', expect.stringMatching(reason)]);
  });

  it.each(['', 'nonsense', '[]', '{"outputs":7}', '{"outputs":[7]}'])('%j is garbled', (text) => {
    expect(faultOf(() => readInfer({ body: Buffer.from(text), jsonLength: null }, [port()], 2)).kind).toBe(
      'garbled',
    );
  });

  it.each<[object, PeerPort, RegExp]>([
    [{ datatype: 'INT64', shape: [2], data: [2 ** 53, 1] }, port('int64'), /beyond 2\^53/],
    [{ datatype: 'INT64', shape: [2, 1], data: [[1], [-(2 ** 53)]] }, port('int64'), /beyond 2\^53/],
    [{ datatype: 'INT64', shape: [2], data: [null, 1] }, port('int64'), /missing value/],
  ])('%j is about its rows', (output, wanted, reason) => {
    const fault = faultOf(() => read(output, wanted));
    expect([fault.kind, fault.message]).toEqual(['rows', expect.stringMatching(reason)]);
  });
});

describe('an answer in bytes', () => {
  it('is taken to the last bit', () => {
    const floats = Buffer.from(Float32Array.of(0.1, Number.NaN).buffer);
    expect(readBytes('FP32', floats, port())?.data).toEqual(Float32Array.of(0.1, Number.NaN));
    const longs = Buffer.from(BigInt64Array.of(9007199254740991n, -1n).buffer);
    expect(readBytes('INT64', longs, port('int64'))?.data).toEqual([9007199254740991, -1]);
    expect(readBytes('FP16', Buffer.from([0, 0x3c, 0, 0xbc]), port('float16'))?.data).toEqual([1, -1]);
  });

  it('is about its rows where JSON could not hold it', () => {
    const longs = Buffer.from(BigInt64Array.of(9007199254740993n, 1n).buffer);
    expect(faultOf(() => readBytes('INT64', longs, port('int64'))).kind).toBe('rows');
    const texts = Buffer.from([1, 0, 0, 0, 0xff, 0, 0, 0, 0]);
    expect(faultOf(() => readBytes('BYTES', texts, port('string'))).kind).toBe('rows');
  });

  it.each([
    ['a length that is none', Buffer.alloc(8), -1],
    ['more than there is', Buffer.alloc(8), 9],
    ['half an element', Buffer.alloc(6), 6],
    ['an element too few', Buffer.alloc(4), 4],
  ])('is garbled with %s', (_, bytes, size) => {
    expect(faultOf(() => readBytes('FP32', bytes, port(), size)).kind).toBe('garbled');
  });

  it('is garbled where its JSON is longer than it', () => {
    expect(faultOf(() => readInfer({ body: Buffer.from('{}'), jsonLength: 3 }, [], 1)).kind).toBe('garbled');
    expect(faultOf(() => readInfer({ body: Buffer.from('{}'), jsonLength: Number.NaN }, [], 1)).kind).toBe(
      'garbled',
    );
  });
});
