import type { ElementType } from '../../signature.ts';
import { NUMBER_ARRAYS } from '../number-arrays.ts';
import type { OutputTensor } from '../tensors/decode-outputs.ts';
import type { InputTensor } from '../tensors/tensor-model.ts';

/**
 * Tensors on their way to another thread: the numbers of all of them in one buffer that is handed over, the texts of each
 * as one text. What is cloned is cloned value by value, which for a few hundred texts takes longer than their way.
 */
export interface PackedTensors {
  readonly buffer: ArrayBuffer;
  readonly tensors: readonly PackedTensor[];
}

interface PackedTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Bytes before its numbers, or before the lengths of its texts (32 bits each). */
  readonly at: number;
  readonly length: number;
  /** All of its texts, one after the other; null for numbers. */
  readonly texts: string | null;
}

const ALIGNMENT = 8;

export function packTensors(tensors: Readonly<Record<string, OutputTensor>>): PackedTensors {
  const packed: PackedTensor[] = [];
  let size = 0;
  for (const [name, { type, data, dims }] of Object.entries(tensors)) {
    const texts = type === 'string' ? (data as readonly string[]).join('') : null;
    packed.push({ name, type, dims, at: size, length: data.length, texts });
    const bytes = data.length * arrayOf(type).BYTES_PER_ELEMENT;
    size += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  }
  const buffer = new ArrayBuffer(size);
  for (const { name, at, length } of packed) {
    const { data } = tensors[name] as OutputTensor;
    if (ArrayBuffer.isView(data)) new Uint8Array(buffer, at, data.byteLength).set(bytesOf(data));
    else new Uint32Array(buffer, at, length).set(Array.from(data, (text) => (text as string).length));
  }
  return { buffer, tensors: packed };
}

/** The tensors again; their numbers lie in the buffer. */
export function unpackTensors({ buffer, tensors }: PackedTensors): Record<string, InputTensor> {
  const unpacked: Record<string, InputTensor> = {};
  for (const { name, type, dims, at, length, texts } of tensors) {
    const values = new (arrayOf(type))(buffer, at, length);
    unpacked[name] = { type, dims, data: texts === null ? values : textsOf(texts, values as Uint32Array) };
  }
  return unpacked;
}

function textsOf(joined: string, lengths: Uint32Array): string[] {
  const texts = new Array<string>(lengths.length);
  for (let i = 0, at = 0; i < lengths.length; i++) {
    const end = at + (lengths[i] as number);
    texts[i] = joined.slice(at, end);
    at = end;
  }
  return texts;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function arrayOf(type: ElementType) {
  return type === 'string' ? Uint32Array : NUMBER_ARRAYS[type];
}
