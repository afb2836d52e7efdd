import { encodeRaw } from '../../../contracts/oip/raw-tensor.ts';
import type { Datatype } from '../../../contracts/oip/tensor.ts';
import { AppError } from '../../../kernel/errors.ts';
import { datatypeOf } from '../../datatype-of.ts';
import { floatMaximum } from '../../signature.ts';
import type { TensorData } from '../tensors/encode.ts';
import type { InputTensor } from '../tensors/tensor-model.ts';
import type { PeerModel } from './peer-description.ts';

/** A body of `POST …/infer` with the headers that say what it is. */
export interface InferBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

type Feeds = Readonly<Record<string, InputTensor>>;
type Description = Readonly<Record<string, unknown>>;

/**
 * Tensors as the request that asks for some outputs of them: as bytes where the server takes those, else as JSON. Hints of
 * MLServer are repeated as the server gave them. INFERENCE_FAILED for a number that JSON does not have.
 */
export function writeInfer(peer: PeerModel, feeds: Feeds, fetches: readonly string[]): InferBody {
  const contents = peer.isBinary ? peer.inputs.map(({ name }) => bytesOf(feeds[name] as InputTensor)) : null;
  const inputs = peer.inputs.map(({ name, contentType }, place): Description => {
    const { type, dims, data } = feeds[name] as InputTensor;
    const bytes = contents?.[place];
    const parameters = {
      ...(contentType !== null && { content_type: contentType }),
      ...(bytes !== undefined && { binary_data_size: bytes.length }),
    };
    return {
      name,
      shape: dims,
      datatype: datatypeOf(type),
      ...(Object.keys(parameters).length > 0 && { parameters }),
      ...(bytes === undefined && { data: jsonOf(name, type, data) }),
    };
  });
  const parameters = {
    ...(peer.contentType !== null && { content_type: peer.contentType }),
    ...(contents !== null && { binary_data_output: true }),
  };
  const json = JSON.stringify({
    ...(Object.keys(parameters).length > 0 && { parameters }),
    inputs,
    outputs: fetches.map((name) => ({
      name,
      ...(contents !== null && { parameters: { binary_data: true } }),
    })),
  });
  if (contents === null) return { headers: { 'content-type': 'application/json' }, body: json };
  const head = Buffer.from(json);
  return {
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    },
    body: Buffer.concat([head, ...contents]),
  };
}

/** Typed arrays lie in memory as the protocol has them: little-endian, as every machine that Node.js is built for here. */
function bytesOf({ type, data }: InputTensor): Buffer {
  if (Array.isArray(data)) return encodeRaw({ datatype: datatypeOf(type) satisfies Datatype, data });
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function jsonOf(name: string, type: InputTensor['type'], data: TensorData): readonly unknown[] {
  if (Array.isArray(data)) return data;
  if (type === 'bool') return Array.from(data, Boolean);
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
  if (floatMaximum(type) !== null && !numbers.every(Number.isFinite)) {
    throw new AppError(
      'INFERENCE_FAILED',
      `A value of "${name}" is missing, and the server that runs the model takes JSON, which has no NaN`,
    );
  }
  return numbers;
}
