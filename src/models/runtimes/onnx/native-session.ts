import type { Tensor } from 'onnxruntime-node';
import type { Binding } from 'onnxruntime-node/dist/binding.js';
import type { ElementType } from '../../signature.ts';
import type { OutputTensor } from '../tensors/decode-outputs.ts';
import type { TensorData } from '../tensors/encode.ts';
import type { InputTensor } from '../tensors/tensor-model.ts';
import type { GraphSource, OnnxSession, SessionPort } from './session.ts';

/**
 * onnxruntime-node on the calling thread, through its binding: the package's own `run` puts the same synchronous call
 * off to the next turn of the event loop, which takes a sixth of the throughput (docs/adr/0008). One intra-op thread a
 * session: two were slower for requests (docs/architecture.md).
 */
export async function openNativeSession({ model, externalData }: GraphSource): Promise<OnnxSession> {
  const [{ Tensor }, { binding, initOrt }] = await Promise.all([
    import('onnxruntime-node'),
    import('onnxruntime-node/dist/binding.js'),
  ]);
  initOrt();
  const session = new binding.InferenceSession();
  session.loadModel(model.buffer as ArrayBuffer, model.byteOffset, model.byteLength, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    ...(externalData.length > 0 && { externalData }),
  });
  return {
    inputs: session.inputMetadata.map(portOf),
    outputs: session.outputMetadata.map(portOf),
    lanes: 1,
    run(feeds, fetches) {
      const tensors: Record<string, Tensor> = {};
      for (const name in feeds) tensors[name] = toTensor(Tensor, feeds[name] as InputTensor);
      const wanted = Object.fromEntries(fetches.map((name) => [name, null]));
      return session.run(tensors, wanted, {}) as unknown as Record<string, OutputTensor>;
    },
    release: () => session.dispose(),
  };
}

/** By the number of the type in ONNX's TensorProto.DataType. */
const TYPES: readonly (ElementType | null)[] = [
  null,
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
];

function portOf({ name, isTensor, type, shape, symbolicDimensions }: Binding.ValueMetadata): SessionPort {
  return {
    name,
    type: isTensor ? (TYPES[type] ?? null) : null,
    shape: (shape ?? []).map((size, axis) => (size === -1 ? (symbolicDimensions[axis] ?? '') : size)),
  };
}

function toTensor(Constructor: typeof Tensor, { type, data, dims }: InputTensor): Tensor {
  return new Constructor(type as 'float32', toTensorData(type, data) as Float32Array, dims);
}

/** From Node 24 on, onnxruntime takes half floats as Float16Array instead of their bits. */
function toTensorData(type: ElementType, data: TensorData): unknown {
  const Float16 = (
    globalThis as { Float16Array?: new (buffer: ArrayBufferLike, offset: number, length: number) => unknown }
  ).Float16Array;
  if (type !== 'float16' || Float16 === undefined) return data;
  const bits = data as Uint16Array;
  return new Float16(bits.buffer, bits.byteOffset, bits.length);
}
