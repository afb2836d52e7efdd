const SMALLEST = 1024;
/** A larger buffer is not kept for the next message. */
const LARGEST_KEPT = 1 << 20;
const TWO_32 = 4_294_967_296;

/** Writes one message after the other in protobuf's wire form, into one buffer that grows and is kept. */
export class WireWriter {
  #bytes = Buffer.allocUnsafeSlow(SMALLEST);
  #at = 0;

  /** A copy of all that was written; the writer is empty again. */
  finish(): Buffer {
    const copy = Buffer.allocUnsafe(this.#at);
    this.#bytes.copy(copy, 0, 0, this.#at);
    this.#at = 0;
    if (this.#bytes.length > LARGEST_KEPT) this.#bytes = Buffer.allocUnsafeSlow(SMALLEST);
    return copy;
  }

  /** Throws away what was written of a message that cannot be finished. */
  clear(): void {
    this.#at = 0;
  }

  tag(field: number, wire: number): void {
    this.uint32((field << 3) | wire);
  }

  uint32(value: number): void {
    this.#reserve(5);
    let left = value >>> 0;
    while (left > 0x7f) {
      this.#bytes[this.#at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.#bytes[this.#at++] = left;
  }

  /** Signed or unsigned: two's complement of 64 bits. */
  int64(value: number | bigint): void {
    if (typeof value === 'number') {
      if (value >= 0 && value < TWO_32) this.uint32(value);
      else this.#varint64(value >>> 0, Math.floor(value / TWO_32) >>> 0);
      return;
    }
    const bits = BigInt.asUintN(64, value);
    this.#varint64(Number(bits & 0xffffffffn), Number(bits >> 32n));
  }

  float(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeFloatLE(value, this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  /** With its length before it. */
  string(text: string): void {
    const most = text.length * 3;
    if (most < 0x80) {
      this.#reserve(most + 1);
      const length = this.#bytes.write(text, this.#at + 1, 'utf8');
      this.#bytes[this.#at] = length;
      this.#at += length + 1;
      return;
    }
    const length = Buffer.byteLength(text);
    this.uint32(length);
    this.#reserve(length);
    this.#at += this.#bytes.write(text, this.#at, 'utf8');
  }

  /** With its length before it. */
  blob(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Begins a field of bytes whose length is not known yet; `close` takes what this answers. */
  open(field: number): number {
    this.tag(field, 2);
    this.#reserve(1);
    return this.#at++;
  }

  /** Puts the length before what was written since `open`. */
  close(place: number): void {
    const length = this.#at - place - 1;
    if (length < 0x80) {
      this.#bytes[place] = length;
      return;
    }
    const size = length < 1 << 14 ? 2 : length < 1 << 21 ? 3 : length < 1 << 28 ? 4 : 5;
    this.#reserve(size);
    this.#bytes.copyWithin(place + size, place + 1, this.#at);
    this.#at = place;
    this.uint32(length);
    this.#at += length;
  }

  #varint64(low: number, high: number): void {
    this.#reserve(10);
    let lowLeft = low;
    let highLeft = high;
    while (highLeft !== 0 || lowLeft > 0x7f) {
      this.#bytes[this.#at++] = (lowLeft & 0x7f) | 0x80;
      lowLeft = ((lowLeft >>> 7) | (highLeft << 25)) >>> 0;
      highLeft >>>= 7;
    }
    this.#bytes[this.#at++] = lowLeft;
  }

  #reserve(length: number): void {
    const needed = this.#at + length;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
