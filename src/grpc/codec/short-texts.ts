const MOST_BYTES = 32;
const SLOTS = 1024;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The text that was read last in each slot: names of tensors and datatypes are the same in every request. */
const known = new Array<string>(SLOTS).fill('');

/**
 * UTF-8 as a text. A short ASCII text that was read before is not made again: that takes a fifth of the time, and what
 * looks it up in a map finds its hash computed.
 */
export function readText(bytes: Buffer, from: number, to: number): string {
  const length = to - from;
  if (length === 0) return '';
  if (length > MOST_BYTES) return bytes.toString('utf8', from, to);
  let hash = FNV_OFFSET;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte > 0x7f) return bytes.toString('utf8', from, to);
    hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  const slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
  const last = known[slot] as string;
  if (isText(last, bytes, from, length)) return last;
  const text = bytes.toString('latin1', from, to);
  known[slot] = text;
  return text;
}

function isText(text: string, bytes: Buffer, from: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
