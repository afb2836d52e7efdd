import { describe, expect, it } from 'vitest';
import type { ElementType } from '../../signature.ts';
import type { TensorData } from '../tensors/encode.ts';
import type { InputTensor } from '../tensors/tensor-model.ts';
import { writeInfer } from './infer-request.ts';
import type { PeerModel } from './peer-description.ts';

function peerOf(types: readonly ElementType[], change: Partial<PeerModel> = {}): PeerModel {
  return {
    server: 'a server',
    isBinary: false,
    inputs: types.map((type) => ({ name: type, type, shape: ['rows'], contentType: null })),
    outputs: [],
    contentType: null,
    maxRows: 8,
    labels: null,
    columns: null,
    task: null,
    ...change,
  };
}

function feed(type: ElementType, data: TensorData): InputTensor {
  return { type, data, dims: [data.length] };
}

describe('as JSON', () => {
  it('has the values of each type, and asks for the outputs', () => {
    const feeds = {
      float32: feed('float32', Float32Array.of(0.1, -2)),
      int64: feed('int64', BigInt64Array.of(9007199254740991n, -1n)),
      bool: feed('bool', Uint8Array.of(1, 0)),
      string: feed('string', ['é', '']),
    };
    const { headers, body } = writeInfer(peerOf(['float32', 'int64', 'bool', 'string']), feeds, ['y', 'z']);
    expect(headers).toEqual({ 'content-type': 'application/json' });
    const sent = JSON.parse(body as string);
    expect(sent).toEqual({
      inputs: [
        { name: 'float32', shape: [2], datatype: 'FP32', data: [Math.fround(0.1), -2] },
        { name: 'int64', shape: [2], datatype: 'INT64', data: [9007199254740991, -1] },
        { name: 'bool', shape: [2], datatype: 'BOOL', data: [true, false] },
        { name: 'string', shape: [2], datatype: 'BYTES', data: ['é', ''] },
      ],
      outputs: [{ name: 'y' }, { name: 'z' }],
    });
    expect(Math.fround(sent.inputs[0].data[0])).toBe(Math.fround(0.1));
  });

  it('repeats the hints of the server', () => {
    const peer = peerOf(['string'], {
      contentType: 'pd',
      inputs: [{ name: 'string', type: 'string', shape: ['rows'], contentType: 'str' }],
    });
    const { body } = writeInfer(peer, { string: feed('string', ['a']) }, []);
    expect(JSON.parse(body as string)).toMatchObject({
      parameters: { content_type: 'pd' },
      inputs: [{ parameters: { content_type: 'str' } }],
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %s, which JSON does not have', (value) => {
    const feeds = { float64: feed('float64', Float64Array.of(1, value)) };
    expect(() => writeInfer(peerOf(['float64']), feeds, [])).toThrow(
      expect.objectContaining({ code: 'INFERENCE_FAILED' }),
    );
  });
});

describe('as bytes', () => {
  it('has the contents behind the JSON, to the last bit', () => {
    const feeds = {
      float32: feed('float32', Float32Array.of(Number.NaN, 0.1)),
      int64: feed('int64', BigInt64Array.of(-9007199254740993n)),
      float16: feed('float16', Uint16Array.of(0x3c00)),
      string: feed('string', ['é', '']),
    };
    const peer = peerOf(['float32', 'int64', 'float16', 'string'], { isBinary: true });
    const { headers, body } = writeInfer(peer, feeds, ['y']);
    const length = Number(headers['inference-header-content-length']);
    expect(headers['content-type']).toBe('application/octet-stream');
    expect(JSON.parse((body as Buffer).toString('utf8', 0, length))).toEqual({
      parameters: { binary_data_output: true },
      inputs: [
        { name: 'float32', shape: [2], datatype: 'FP32', parameters: { binary_data_size: 8 } },
        { name: 'int64', shape: [1], datatype: 'INT64', parameters: { binary_data_size: 8 } },
        { name: 'float16', shape: [1], datatype: 'FP16', parameters: { binary_data_size: 2 } },
        { name: 'string', shape: [2], datatype: 'BYTES', parameters: { binary_data_size: 10 } },
      ],
      outputs: [{ name: 'y', parameters: { binary_data: true } }],
    });
    const bytes = (body as Buffer).subarray(length);
    expect(bytes).toHaveLength(28);
    expect([bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual([Number.NaN, Math.fround(0.1)]);
    expect(bytes.readBigInt64LE(8)).toBe(-9007199254740993n);
    expect(bytes.readUInt16LE(16)).toBe(0x3c00);
    expect(bytes.toString('utf8', 22, 24)).toBe('é');
  });
});
