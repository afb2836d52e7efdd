import { encodeThrift, i32, struct, varint } from './thrift.ts';

/** https://parquet.apache.org/docs/file-format/: the numbers of Type, Encoding and PageType. */
export const PHYSICAL = { double: 5, float: 4, text: 6 } as const;
export type Physical = keyof typeof PHYSICAL;
const PLAIN = 0;
const RLE = 3;
const RLE_DICTIONARY = 8;
const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;

export interface ColumnChunk {
  /** A dictionary page where there is one, and a data page. */
  readonly bytes: readonly Buffer[];
  readonly dictionaryBytes: number;
  readonly encodings: readonly number[];
  readonly values: number;
}

/** Numbers, NaN for a missing one; few distinct ones, such as zeros and ones, as indexes into a dictionary. */
export function floatChunk(values: Float32Array): ColumnChunk {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const isMissing = (row: number): boolean => Number.isNaN(values[row]);
  const present = presentOf(values.length, isMissing);
  const found = indexesOf(bits, present);
  if (found === null) {
    const plain = present.count === values.length ? values : values.filter((x) => !Number.isNaN(x));
    return plainChunk(present, Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength));
  }
  const { dictionary, indexes } = found;
  const entries = Buffer.from(dictionary.buffer, 0, dictionary.byteLength);
  const header = struct({ 1: i32(dictionary.length), 2: i32(PLAIN) });
  const dictionaryPage = page(DICTIONARY_PAGE, [entries], { 7: header });
  const packed = bitPacked(indexes, widthOf(dictionary.length));
  const bytes = [...dictionaryPage, ...dataPage(present, RLE_DICTIONARY, packed)];
  const dictionaryBytes = dictionaryPage.reduce((sum, piece) => sum + piece.length, 0);
  return { bytes, dictionaryBytes, encodings: [PLAIN, RLE, RLE_DICTIONARY], values: values.length };
}

/** Doubles, null for a missing one. */
export function doubleChunk(values: readonly (number | null)[]): ColumnChunk {
  const plain = Float64Array.from(values.filter((value) => value !== null));
  const present = presentOf(values.length, (row) => values[row] === null);
  return plainChunk(present, Buffer.from(plain.buffer, 0, plain.byteLength));
}

export function textChunk(values: readonly (string | null)[]): ColumnChunk {
  const pieces: Buffer[] = [];
  for (const value of values) {
    if (value === null) continue;
    const text = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    pieces.push(length, text);
  }
  return plainChunk(
    presentOf(values.length, (row) => values[row] === null),
    Buffer.concat(pieces),
  );
}

/** Which rows have a value: a bit each, the lowest first. */
interface Present {
  readonly rows: number;
  readonly count: number;
  readonly bits: Buffer;
}

function presentOf(rows: number, isMissing: (row: number) => boolean): Present {
  const bits = Buffer.alloc(Math.ceil(rows / 8));
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if (isMissing(row)) continue;
    count++;
    bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
  }
  return { rows, count, bits };
}

function plainChunk(present: Present, values: Buffer): ColumnChunk {
  const bytes = dataPage(present, PLAIN, [values]);
  return { bytes, dictionaryBytes: 0, encodings: [PLAIN, RLE], values: present.rows };
}

function dataPage(present: Present, encoding: number, values: readonly Buffer[]): readonly Buffer[] {
  const header = struct({ 1: i32(present.rows), 2: i32(encoding), 3: i32(RLE), 4: i32(RLE) });
  return page(DATA_PAGE, [definitionLevels(present), ...values], { 5: header });
}

function page(
  type: number,
  body: readonly Buffer[],
  header: Parameters<typeof struct>[0],
): readonly Buffer[] {
  const size = i32(body.reduce((sum, piece) => sum + piece.length, 0));
  return [encodeThrift(struct({ 1: i32(type), 2: size, 3: size, ...header })), ...body];
}

/** 1 for each row with a value and 0 for the others, behind their length in bytes. */
function definitionLevels({ rows, count, bits }: Present): Buffer {
  const run: number[] = [];
  if (count === rows) {
    varint(rows * 2, run);
    run.push(1);
  } else varint(bits.length * 2 + 1, run);
  const levels = count === rows ? [Buffer.from(run)] : [Buffer.from(run), bits];
  const length = Buffer.alloc(4);
  length.writeUInt32LE(levels.reduce((sum, piece) => sum + piece.length, 0));
  return Buffer.concat([length, ...levels]);
}

const MOST_DISTINCT = 256;
const SLOTS = 1024;
const slots = new Int16Array(SLOTS);

/** The distinct values and where each row's is among them; null when there are more than fit into a byte. */
function indexesOf(
  bits: Uint32Array,
  present: Present,
): { readonly dictionary: Uint32Array; readonly indexes: Uint8Array } | null {
  const dictionary = new Uint32Array(MOST_DISTINCT);
  const indexes = new Uint8Array(present.count);
  const isWhole = present.count === present.rows;
  let distinct = 0;
  let at = 0;
  let before = -1;
  let index = 0;
  slots.fill(-1);
  for (let row = 0; row < present.rows; row++) {
    if (!isWhole && (((present.bits[row >> 3] as number) >> (row & 7)) & 1) === 0) continue;
    const value = bits[row] as number;
    if (value === before) {
      indexes[at++] = index;
      continue;
    }
    before = value;
    let slot = Math.imul(value ^ (value >>> 15), 0x9e3779b1) >>> 22;
    index = slots[slot] as number;
    while (index !== -1 && dictionary[index] !== value) {
      slot = (slot + 1) % SLOTS;
      index = slots[slot] as number;
    }
    if (index === -1) {
      if (distinct === MOST_DISTINCT) return null;
      index = distinct++;
      dictionary[index] = value;
      slots[slot] = index;
    }
    indexes[at++] = index;
  }
  return { dictionary: dictionary.slice(0, distinct), indexes };
}

/** Bits of an index: 1, 2, 4 or 8, so that none lies in two bytes. */
function widthOf(distinct: number): number {
  if (distinct <= 2) return 1;
  if (distinct <= 4) return 2;
  return distinct <= 16 ? 4 : 8;
}

/** Their width in a byte, then one run of indexes, which come in groups of eight. */
function bitPacked(indexes: Uint8Array, width: number): readonly Buffer[] {
  const groups = Math.ceil(indexes.length / 8);
  const head = [width];
  varint(groups * 2 + 1, head);
  const packed = Buffer.alloc(groups * width);
  const inByte = 8 / width;
  const shift = Math.log2(inByte);
  for (let i = 0; i < indexes.length; i++) {
    const byte = i >> shift;
    packed[byte] = (packed[byte] as number) | ((indexes[i] as number) << ((i & (inByte - 1)) * width));
  }
  return [Buffer.from(head), packed];
}
