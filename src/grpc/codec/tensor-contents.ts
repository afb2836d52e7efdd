import { textOf } from '../../contracts/oip/raw-tensor.ts';
import type { TensorValues } from '../../contracts/oip/tensor.ts';
import { WIRE, type WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

type Element = number | bigint | boolean | string | Uint8Array;

/** What InferTensorContents holds: values of one field, or of two when the message contradicts itself. */
export interface Contents {
  /** Number of the first field that has values; 0 when none has. */
  field: number;
  /** Another field that has values too; 0 when none has. */
  other: number;
  readonly values: Element[];
}

type Read = (reader: WireReader) => Element;
type Write = (writer: WireWriter, value: Element) => void;

/** How a value of each field is read, and how it is written where it stands alone. */
const READ: readonly (readonly [number, Read])[] = [
  [WIRE.varint, (reader) => reader.int64()],
  [WIRE.varint, (reader) => reader.bool()],
  [WIRE.varint, (reader) => reader.int32()],
  [WIRE.varint, (reader) => reader.int64()],
  [WIRE.varint, (reader) => reader.uint32()],
  [WIRE.varint, (reader) => reader.uint64()],
  [WIRE.fixed32, (reader) => reader.float()],
  [WIRE.fixed64, (reader) => reader.double()],
  [WIRE.bytes, readText],
];
const BYTES_FIELD = 8;

function readText(reader: WireReader): Element {
  const end = reader.delimited();
  const text = textOf(reader.bytes, reader.at, end);
  reader.at = end;
  return text;
}

const WRITE: readonly Write[] = [
  () => undefined,
  (writer, value) => writer.uint32(Number(value)),
  (writer, value) => writer.int64(value as number),
  (writer, value) => writer.int64(value as number | bigint),
  (writer, value) => writer.int64(value as number),
  (writer, value) => writer.int64(value as number | bigint),
  (writer, value) => writer.float(value as number),
  (writer, value) => writer.double(value as number),
];

/** Adds what the message holds to `before`: a field of messages that comes twice is one message. */
export function readContents(reader: WireReader, before: Contents | null): Contents {
  const contents = before ?? { field: 0, other: 0, values: [] };
  while (reader.next()) {
    const { field } = reader;
    const way = field <= BYTES_FIELD ? READ[field] : undefined;
    if (way === undefined) {
      reader.skip();
      continue;
    }
    const [wire, read] = way;
    const count = contents.values.length;
    if (reader.wire === WIRE.bytes && field !== BYTES_FIELD) {
      const packed = reader.message();
      while (packed.at < packed.end) contents.values.push(read(packed));
    } else {
      reader.expect(wire);
      contents.values.push(read(reader));
    }
    if (contents.values.length > count) {
      if (contents.field === 0) contents.field = field;
      else if (contents.field !== field) contents.other = field;
    }
  }
  return contents;
}

/** `field` is that of the datatype in InferTensorContents. */
export function writeContents(writer: WireWriter, field: number, values: TensorValues): void {
  if (field === BYTES_FIELD) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as Element;
      writer.tag(BYTES_FIELD, WIRE.bytes);
      if (value instanceof Uint8Array) writer.blob(value);
      else writer.string(String(value));
    }
    return;
  }
  if (values.length === 0) return;
  const write = WRITE[field] as Write;
  const place = writer.open(field);
  for (let i = 0; i < values.length; i++) write(writer, values[i] as Element);
  writer.close(place);
}
