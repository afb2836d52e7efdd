import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { encodeRaw } from '../../contracts/oip/raw-tensor.ts';
import type { Datatype, Tensor } from '../../contracts/oip/tensor.ts';
import type { InferResponse } from '../../dialects/oip/protocol.ts';
import { AppError } from '../../kernel/errors.ts';
import { INFERENCE_PROTO } from '../proto/inference-proto.ts';
import { decodeInferRequest } from './infer-request.ts';
import { encodeInferResponse, encodeStreamAnswer, encodeStreamFailure } from './infer-response.ts';

const Long = protobuf.util.Long as unknown as {
  fromString(text: string, isUnsigned?: boolean): object;
  readonly MAX_UNSIGNED_VALUE: object;
};
const { root } = protobuf.parse(INFERENCE_PROTO, { keepCase: true });
const Request = root.lookupType('inference.ModelInferRequest');
const Response = root.lookupType('inference.ModelInferResponse');
const StreamResponse = root.lookupType('inference.ModelStreamInferResponse');

function encode(message: object): Buffer {
  return Buffer.from(Request.encode(Request.fromObject(message)).finish());
}

function read(type: protobuf.Type, bytes: Buffer): Record<string, unknown> {
  return type.toObject(type.decode(bytes), { longs: String, enums: String, bytes: Buffer });
}

function faultOf(bytes: Buffer): AppError {
  try {
    decodeInferRequest(bytes);
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error('it was taken');
}

/** Per datatype: the field of its values in a message, and values at its edges. */
const TYPED: readonly (readonly [Datatype, string, readonly (number | boolean | string | bigint)[]])[] = [
  ['BOOL', 'bool_contents', [true, false]],
  ['UINT8', 'uint_contents', [0, 255]],
  ['UINT16', 'uint_contents', [0, 65_535]],
  ['UINT32', 'uint_contents', [0, 4_294_967_295]],
  ['UINT64', 'uint64_contents', [0, 2 ** 53 - 1, 18_446_744_073_709_551_615n]],
  ['INT8', 'int_contents', [-128, 127]],
  ['INT16', 'int_contents', [-32_768, 32_767]],
  ['INT32', 'int_contents', [-2_147_483_648, 2_147_483_647]],
  ['INT64', 'int64_contents', [-1, 2 ** 53 - 1, -(2 ** 53) + 1, -9_223_372_036_854_775_808n, 300]],
  ['FP32', 'fp32_contents', [0.5, -1.25, Number.POSITIVE_INFINITY]],
  ['FP64', 'fp64_contents', [0.1, -1e300]],
  ['BYTES', 'bytes_contents', ['', 'Łódź', 'x'.repeat(200)]],
];

function wireValue(value: number | boolean | string | bigint): unknown {
  if (typeof value === 'string') return Buffer.from(value);
  return typeof value === 'bigint' ? Long.fromString(String(value), value > 0n) : value;
}

describe('a request', () => {
  it('is read as protobufjs wrote it', () => {
    const { request, isRaw } = decodeInferRequest(
      encode({
        model_name: 'Łódź',
        model_version: '7',
        id: 'call-1',
        parameters: {
          yes: { bool_param: true },
          count: { int64_param: -3 },
          text: { string_param: 'a' },
          share: { double_param: 0.25 },
          large: { uint64_param: Long.MAX_UNSIGNED_VALUE },
          __proto__x: { int64_param: Long.fromString('9007199254740991') },
        },
        inputs: [
          {
            name: 'a',
            datatype: 'INT64',
            shape: [2, Long.fromString('9007199254740991'), -1],
            parameters: { unit: { string_param: 'm' } },
            contents: { int64_contents: [1, 2] },
          },
        ],
        outputs: [{ name: 'y', parameters: { classification: { int64_param: 3 } } }, { name: 'z' }],
      }),
    );
    expect(isRaw).toBe(false);
    expect(request).toMatchObject({ modelName: 'Łódź', modelVersion: '7', id: 'call-1' });
    expect({ ...request.parameters }).toEqual({
      yes: true,
      count: -3,
      text: 'a',
      share: 0.25,
      large: '18446744073709551615',
      __proto__x: 2 ** 53 - 1,
    });
    const [input] = request.inputs;
    expect(input?.shape).toEqual([2, 2 ** 53 - 1, -1]);
    expect({ ...input?.parameters }).toEqual({ unit: 'm' });
    expect(input?.data).toEqual([1, 2]);
    expect(request.outputs?.map(({ name }) => name)).toEqual(['y', 'z']);
    expect(request.outputs?.[0]?.parameters).toMatchObject({ classification: 3 });
  });

  it('without an id, outputs and inputs is one all the same', () => {
    const { request } = decodeInferRequest(encode({ model_name: 'm' }));
    expect(request).toMatchObject({ modelVersion: '', id: undefined, inputs: [], outputs: null });
  });

  it.each(TYPED)('has typed %s in %s', (datatype, field, values) => {
    const input = {
      name: 'x',
      datatype,
      shape: [values.length],
      contents: { [field]: values.map(wireValue) },
    };
    const [tensor] = decodeInferRequest(encode({ inputs: [input] })).request.inputs;
    expect(Array.from(tensor?.data ?? [])).toEqual(values);
  });

  it.each(TYPED)('has raw %s', (datatype, _field, values) => {
    const tensor = { name: 'x', datatype, shape: [values.length] };
    const raw = encodeRaw({ datatype, data: values });
    const { request, isRaw } = decodeInferRequest(encode({ inputs: [tensor], raw_input_contents: [raw] }));
    expect(isRaw).toBe(true);
    expect(Array.from(request.inputs[0]?.data ?? [])).toEqual(values);
  });

  it('may have repeated numbers one by one, contents in two parts, and fields of a later schema', () => {
    const one = [0x2a, 2, 0x18, 7];
    const other = [0x2a, 3, 0x1a, 1, 9];
    const later = [0x7d, 0, 0, 0, 0];
    const input = [0x12, 5, ...Buffer.from('INT64'), 0x18, 2, ...one, ...other, ...later];
    const parts = Buffer.from([0x2a, input.length, ...input]);
    const [tensor] = decodeInferRequest(parts).request.inputs;
    expect(tensor?.shape).toEqual([2]);
    expect(tensor?.data).toEqual([7, 9]);
  });

  it('names every tensor that is wrong', () => {
    const error = faultOf(
      encode({
        inputs: [
          { name: 'kind', datatype: 'FLOAT', contents: { fp32_contents: [1] } },
          { name: 'half', datatype: 'FP16', contents: { fp32_contents: [1] } },
          { name: 'place', datatype: 'FP32', contents: { fp64_contents: [1] } },
          { name: 'both', datatype: 'FP32', contents: { fp32_contents: [1], int_contents: [1] } },
          { name: 'wide', datatype: 'UINT8', contents: { uint_contents: [256] } },
          { name: 'good', datatype: 'UINT8', contents: { uint_contents: [255] } },
        ],
      }),
    );
    expect(error.code).toBe('REQUEST_INVALID');
    expect(error.problems.map(({ path }) => path)).toEqual(['kind', 'half', 'place', 'both', 'wide']);
  });

  it('has raw or typed contents and never both', () => {
    const error = faultOf(
      encode({
        inputs: [
          { name: 'a', datatype: 'FP32', contents: { fp32_contents: [1] } },
          { name: 'b', datatype: 'FP32' },
          { name: 'c', datatype: 'FP32' },
        ],
        raw_input_contents: [Buffer.alloc(4), Buffer.alloc(5)],
      }),
    );
    expect(error.problems.map(({ path }) => path)).toEqual(['raw_input_contents', 'a', 'b']);
  });

  it('has no tensor in shared memory', () => {
    const parameters = { shared_memory_region: { string_param: 'r' } };
    const error = faultOf(
      encode({ inputs: [{ name: 'x', datatype: 'FP32', parameters }], outputs: [{ name: 'y', parameters }] }),
    );
    expect(error.problems).toEqual([
      { path: 'x', message: expect.stringContaining('shared memory') },
      { path: 'y', message: expect.stringContaining('shared memory') },
    ]);
  });

  it('holds so many tensors and no more', () => {
    expect(faultOf(Buffer.alloc(30_000, Buffer.from([0x2a, 0]))).code).toBe('REQUEST_INVALID');
  });

  it('that is cut or bent is refused or read, and nothing else', () => {
    const whole = encode({
      model_name: 'm',
      parameters: { a: { double_param: 1.5 }, b: { bool_param: true } },
      inputs: TYPED.map(([datatype, field, values]) => ({
        name: datatype,
        datatype,
        shape: [values.length],
        contents: { [field]: values.map(wireValue) },
      })),
      outputs: [{ name: 'y' }],
    });
    let refused = 0;
    const attempt = (bytes: Buffer): void => {
      try {
        decodeInferRequest(bytes);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(AppError);
        refused++;
      }
    };
    for (let end = 0; end < whole.length; end++) attempt(whole.subarray(0, end));
    expect(refused).toBeGreaterThan(whole.length / 2);
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 0x7f, 0x80, 0xff, (whole[at] as number) ^ 4]) {
        const bent = Buffer.from(whole);
        bent[at] = value;
        attempt(bent);
      }
    }
  });
});

describe('an answer', () => {
  const answer = (outputs: readonly Tensor[]): InferResponse => ({
    modelName: 'risk',
    modelVersion: '2.0.0',
    id: 'call-1',
    parameters: { prediction_id: 'x', logged: false, score: 0.5, count: -7 },
    outputs,
  });

  it.each(TYPED)('has typed %s in %s, as protobufjs reads it', (datatype, field, values) => {
    const tensor: Tensor = { name: 'y', datatype, shape: [values.length], data: values };
    const message = read(Response, encodeInferResponse(answer([tensor]), false));
    expect(message).toEqual({
      model_name: 'risk',
      model_version: '2.0.0',
      id: 'call-1',
      parameters: {
        prediction_id: { string_param: 'x' },
        logged: { bool_param: false },
        score: { double_param: 0.5 },
        count: { int64_param: '-7' },
      },
      outputs: [
        {
          name: 'y',
          datatype,
          shape: [String(values.length)],
          contents: {
            [field]:
              /64_contents/.test(field) && field.includes('int') ? values.map(String) : values.map(asRead),
          },
        },
      ],
    });
  });

  function asRead(value: number | boolean | string | bigint): unknown {
    return typeof value === 'string' ? Buffer.from(value) : value;
  }

  it('is raw on request, and where a tensor has no other form', () => {
    const half: Tensor = { name: 'h', datatype: 'FP16', shape: [1], data: [1] };
    const whole: Tensor = { name: 'w', datatype: 'INT32', shape: [2], data: new Int32Array([1, -1]) };
    for (const [outputs, asRaw] of [
      [[whole], true],
      [[whole, half], false],
    ] as const) {
      const message = read(Response, encodeInferResponse(answer(outputs), asRaw));
      expect(message['raw_output_contents']).toEqual(outputs.map(encodeRaw));
      expect(message['outputs']).toHaveLength(outputs.length);
      expect(JSON.stringify(message['outputs'])).not.toContain('contents');
    }
  });

  it('grows past any buffer, with lengths of any size', () => {
    for (const count of [31, 32, 4_095, 5_000, 600_000]) {
      const data = new Float32Array(count).fill(0.5);
      const tensor: Tensor = { name: 'y', datatype: 'FP32', shape: [count], data };
      const message = read(Response, encodeInferResponse(answer([tensor]), false)) as {
        outputs: { contents: { fp32_contents: number[] } }[];
      };
      expect(message.outputs[0]?.contents.fp32_contents).toHaveLength(count);
    }
  });

  it('of a stream stands inside an answer or a failure', () => {
    const tensor: Tensor = { name: 'y', datatype: 'FP32', shape: [1], data: [0.5] };
    const good = read(StreamResponse, encodeStreamAnswer(answer([tensor]), false));
    expect(good).toMatchObject({
      infer_response: {
        model_name: 'risk',
        parameters: { triton_final_response: { bool_param: true } },
        outputs: [{ name: 'y' }],
      },
    });
    const bad = read(StreamResponse, encodeStreamFailure('no', 'call-1'));
    expect(bad).toEqual({ error_message: 'no', infer_response: { id: 'call-1' } });
  });
});
