const SLOTS = 1 << 12;
const CELL_WORDS = 4;
const CELL_BYTES = 16;
const LENGTH_BYTES = 4;

/**
 * Short texts by the bytes of their cells, so that a text that comes again is not decoded again. A cell is DuckDB's: a
 * length (4 bytes) and up to 12 bytes, zeros behind them. Each text has one slot and takes it from another.
 */
export class InlineTexts {
  /** Of each slot the cells of the text's first and second half. */
  readonly #keys = new Uint32Array(SLOTS * 2 * CELL_WORDS);
  /** A key of zeros is the empty text. */
  readonly #texts = new Array<string>(SLOTS).fill('');

  /** The text in the cell number `row` of `head`, and in that of `tail` where it is longer. */
  read(head: Uint32Array, tail: Uint32Array | null, row: number): string {
    const keys = this.#keys;
    const at = row * CELL_WORDS;
    const h0 = head[at] as number;
    const h1 = head[at + 1] as number;
    const h2 = head[at + 2] as number;
    const h3 = head[at + 3] as number;
    let hash = Math.imul(Math.imul(Math.imul(h0 ^ h1, 0x9e3779b1) ^ h2, 0x85ebca6b) ^ h3, 0xc2b2ae35);
    let t0 = 0;
    let t1 = 0;
    let t2 = 0;
    let t3 = 0;
    if (tail !== null) {
      t0 = tail[at] as number;
      t1 = tail[at + 1] as number;
      t2 = tail[at + 2] as number;
      t3 = tail[at + 3] as number;
      hash ^= Math.imul(Math.imul(Math.imul(t0 ^ t1, 0x85ebca6b) ^ t2, 0xc2b2ae35) ^ t3, 0x9e3779b1);
    }
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const key = slot * 2 * CELL_WORDS;
    const isSame =
      keys[key] === h0 &&
      keys[key + 1] === h1 &&
      keys[key + 2] === h2 &&
      keys[key + 3] === h3 &&
      keys[key + 4] === t0 &&
      keys[key + 5] === t1 &&
      keys[key + 6] === t2 &&
      keys[key + 7] === t3;
    if (!isSame) {
      this.#texts[slot] = textOf(head, row) + (tail === null ? '' : textOf(tail, row));
      keys.set([h0, h1, h2, h3, t0, t1, t2, t3], key);
    }
    return this.#texts[slot] as string;
  }
}

function textOf(cells: Uint32Array, row: number): string {
  const length = cells[row * CELL_WORDS] as number;
  const start = cells.byteOffset + row * CELL_BYTES + LENGTH_BYTES;
  return length === 0 ? '' : Buffer.from(cells.buffer, start, length).toString();
}
