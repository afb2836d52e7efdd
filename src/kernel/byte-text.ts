const SMALLEST = 1 << 16;
/** A larger one is not kept. */
const LARGEST_KEPT = 1 << 21;
/** UTF-8 of a UTF-16 unit. */
const MOST_BYTES = 3;

/** Text in pieces as the bytes of a file or an answer: text that is joined first is copied three times. */
export class ByteText {
  #bytes = Buffer.allocUnsafeSlow(SMALLEST);
  #length = 0;

  add(text: string): void {
    const needed = this.#length + text.length * MOST_BYTES;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }

  /** Every piece in UTF-8; good until the next `add`. */
  content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Itself, ready for other text; null when it is too large to be kept. */
  emptied(): ByteText | null {
    if (this.#bytes.length > LARGEST_KEPT) return null;
    this.#length = 0;
    return this;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
