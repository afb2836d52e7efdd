import { isUtf8 } from 'node:buffer';
import { fromFloat16Bits, toFloat16Bits } from '../../kernel/float16.ts';
import { ELEMENT_BYTES } from './datatypes.ts';
import type { Datatype, Tensor, TensorValues } from './tensor.ts';

/** Content of a tensor as the binary extension and gRPC's raw contents have it: little-endian, row-major, unpadded. */
type Element = number | bigint | boolean | string | Uint8Array;
type Read = (view: DataView, at: number) => Element;
type Write = (view: DataView, at: number, value: Element) => void;

const READ: Record<Exclude<Datatype, 'BYTES' | 'FP32' | 'FP64'>, Read> = {
  BOOL: (view, at) => view.getUint8(at) !== 0,
  UINT8: (view, at) => view.getUint8(at),
  UINT16: (view, at) => view.getUint16(at, true),
  UINT32: (view, at) => view.getUint32(at, true),
  UINT64: (view, at) => exact(view.getBigUint64(at, true)),
  INT8: (view, at) => view.getInt8(at),
  INT16: (view, at) => view.getInt16(at, true),
  INT32: (view, at) => view.getInt32(at, true),
  INT64: (view, at) => exact(view.getBigInt64(at, true)),
  FP16: (view, at) => fromFloat16Bits(view.getUint16(at, true)),
  BF16: (view, at) => {
    word.setUint32(0, view.getUint16(at, true) << 16);
    return word.getFloat32(0);
  },
};

const WRITE: Record<Exclude<Datatype, 'BYTES'>, Write> = {
  BOOL: (view, at, value) => view.setUint8(at, Number(value)),
  UINT8: (view, at, value) => view.setUint8(at, Number(value)),
  UINT16: (view, at, value) => view.setUint16(at, Number(value), true),
  UINT32: (view, at, value) => view.setUint32(at, Number(value), true),
  UINT64: (view, at, value) => view.setBigUint64(at, BigInt(value as number), true),
  INT8: (view, at, value) => view.setInt8(at, Number(value)),
  INT16: (view, at, value) => view.setInt16(at, Number(value), true),
  INT32: (view, at, value) => view.setInt32(at, Number(value), true),
  INT64: (view, at, value) => view.setBigInt64(at, BigInt(value as number), true),
  FP16: (view, at, value) => view.setUint16(at, toFloat16Bits(Number(value)), true),
  FP32: (view, at, value) => view.setFloat32(at, Number(value), true),
  FP64: (view, at, value) => view.setFloat64(at, Number(value), true),
  BF16: (view, at, value) => {
    word.setFloat32(0, Number(value));
    view.setUint16(at, word.getUint32(0) >>> 16, true);
  },
};

const word = new DataView(new ArrayBuffer(4));

function exact(value: bigint): number | bigint {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

/** All elements that the bytes hold; null where they are no whole number of elements. */
export function decodeRaw(datatype: Datatype, bytes: Uint8Array): TensorValues | null {
  if (datatype === 'BYTES') return decodeTexts(bytes);
  const size = ELEMENT_BYTES[datatype] as number;
  if (bytes.length % size !== 0) return null;
  const count = bytes.length / size;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (datatype === 'FP32') {
    const floats = new Float32Array(count);
    for (let i = 0; i < count; i++) floats[i] = view.getFloat32(i * 4, true);
    return floats;
  }
  if (datatype === 'FP64') {
    const doubles = new Float64Array(count);
    for (let i = 0; i < count; i++) doubles[i] = view.getFloat64(i * 8, true);
    return doubles;
  }
  const read = READ[datatype];
  const values = new Array<Element>(count);
  for (let i = 0; i < count; i++) values[i] = read(view, i * size);
  return values;
}

export function encodeRaw({ datatype, data }: Pick<Tensor, 'datatype' | 'data'>): Buffer {
  if (datatype === 'BYTES') return encodeTexts(data);
  const size = ELEMENT_BYTES[datatype] as number;
  const bytes = Buffer.allocUnsafe(data.length * size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const write = WRITE[datatype];
  for (let i = 0; i < data.length; i++) write(view, i * size, data[i] as Element);
  return bytes;
}

/** Each element is its length in four bytes, and then so many bytes: a text, where they are UTF-8. */
function decodeTexts(bytes: Uint8Array): TensorValues | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: (string | Uint8Array)[] = [];
  let at = 0;
  while (at < buffer.length) {
    const start = at + 4;
    if (start > buffer.length) return null;
    const end = start + buffer.readUInt32LE(at);
    if (end > buffer.length) return null;
    texts.push(textOf(buffer, start, end));
    at = end;
  }
  return texts;
}

/** The element of a BYTES tensor that some bytes are. */
export function textOf(buffer: Buffer, start = 0, end = buffer.length): string | Uint8Array {
  const text = buffer.toString('utf8', start, end);
  if (!text.includes(REPLACEMENT)) return text;
  const bytes = buffer.subarray(start, end);
  return isUtf8(bytes) ? text : bytes;
}

/** What decoding puts where bytes are no UTF-8; a text may hold it as well. */
const REPLACEMENT = '\ufffd';

function encodeTexts(data: TensorValues): Buffer {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    const content = value instanceof Uint8Array ? value : Buffer.from(String(value));
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(content.length);
    parts.push(length, content);
  }
  return Buffer.concat(parts);
}
