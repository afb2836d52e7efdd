import { AppError } from '../../kernel/errors.ts';
import { readText } from './short-texts.ts';

/** What a field is written as; 3 and 4 are groups, which proto3 does not have. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const TWO_32 = 4_294_967_296;

/**
 * Reads one message in protobuf's wire form. Every read is checked against the end, and a message that breaks off or
 * says something impossible fails as the caller's fault.
 */
export class WireReader {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;
  /** Number of the field whose tag was read last, and how its value is written. */
  field = 0;
  wire = 0;
  /** Both halves of the varint that was read last. */
  low = 0;
  high = 0;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.at >= this.end) return false;
    const tag = this.uint32();
    this.field = tag >>> 3;
    this.wire = tag & 7;
    if (this.field === 0) throw broken('a field has the number 0');
    return true;
  }

  /** A varint in `low` and `high`. */
  varint(): void {
    const { bytes, end } = this;
    let at = this.at;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw broken('it breaks off inside a number');
      const byte = bytes[at++] as number;
      const part = byte & 0x7f;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= part << 28;
        high = part >>> 4;
      } else high |= part << (shift - 32);
      if (byte < 0x80) {
        this.at = at;
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw broken('a number has more than 10 bytes');
  }

  uint32(): number {
    const byte = this.at < this.end ? (this.bytes[this.at] as number) : 0x80;
    if (byte < 0x80) {
      this.at++;
      return byte;
    }
    this.varint();
    return this.low;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    this.varint();
    return this.low !== 0 || this.high !== 0;
  }

  /** A number where that is exact. */
  int64(): number | bigint {
    this.varint();
    return int64Of(this.low, this.high);
  }

  uint64(): number | bigint {
    this.varint();
    return uint64Of(this.low, this.high);
  }

  float(): number {
    return this.bytes.readFloatLE(this.#take(4));
  }

  double(): number {
    return this.bytes.readDoubleLE(this.#take(8));
  }

  /** Where the next length-delimited value ends; `at` is where it begins. */
  delimited(): number {
    const length = this.uint32();
    const end = this.at + length;
    if (end > this.end) throw broken('it breaks off inside a field');
    return end;
  }

  /** A reader of the message in the next field. */
  message(): WireReader {
    const end = this.delimited();
    const inner = new WireReader(this.bytes, this.at, end);
    this.at = end;
    return inner;
  }

  /** A view, not a copy. */
  view(): Buffer {
    const end = this.delimited();
    const view = this.bytes.subarray(this.at, end);
    this.at = end;
    return view;
  }

  string(): string {
    const end = this.delimited();
    const text = readText(this.bytes, this.at, end);
    this.at = end;
    return text;
  }

  /** Passes over a field that is not known. */
  skip(): void {
    if (this.wire === WIRE.varint) this.varint();
    else if (this.wire === WIRE.fixed64) this.#take(8);
    else if (this.wire === WIRE.bytes) this.at = this.delimited();
    else if (this.wire === WIRE.fixed32) this.#take(4);
    else throw broken(`field ${this.field} is written in a way that proto3 does not have`);
  }

  /** Fails unless the current field is written as the schema has it. */
  expect(wire: number): void {
    if (this.wire !== wire) throw broken(`field ${this.field} is written as another type`);
  }

  #take(length: number): number {
    const { at } = this;
    if (at + length > this.end) throw broken('it breaks off inside a number');
    this.at = at + length;
    return at;
  }
}

export function int64Of(low: number, high: number): number | bigint {
  const signed = high | 0;
  const value = signed * TWO_32 + low;
  if (Number.isSafeInteger(value)) return value;
  return (BigInt(signed) << 32n) | BigInt(low);
}

export function uint64Of(low: number, high: number): number | bigint {
  const value = high * TWO_32 + low;
  if (Number.isSafeInteger(value)) return value;
  return (BigInt(high) << 32n) | BigInt(low);
}

export function broken(reason: string): AppError {
  return new AppError('REQUEST_MALFORMED', `The message is not valid protobuf: ${reason}`);
}
