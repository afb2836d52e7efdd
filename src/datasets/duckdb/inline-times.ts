import { parseTimeBytes } from '../../models/transforms/parse-time.ts';

const CELL_WORDS = 4;
const TEXT_WORDS = 3;

/** Room for both halves, and a zero behind them. */
const words = new Uint32Array(2 * TEXT_WORDS + 1);
const bytes = new Uint8Array(words.buffer);

/** The time in the cell number `row` of `head`, and in that of `tail` where it is longer, as `InlineTexts` has them. */
export function readInlineTime(head: Uint32Array, tail: Uint32Array | null, row: number): number {
  const at = row * CELL_WORDS;
  words[0] = head[at + 1] as number;
  words[1] = head[at + 2] as number;
  words[2] = head[at + 3] as number;
  words[3] = tail === null ? 0 : (tail[at + 1] as number);
  words[4] = tail === null ? 0 : (tail[at + 2] as number);
  words[5] = tail === null ? 0 : (tail[at + 3] as number);
  return parseTimeBytes(bytes, (head[at] as number) + (tail === null ? 0 : (tail[at] as number)));
}
