const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Deepest nesting of a JSON text, found before anything is built: a body of brackets alone costs a hundred times its size. */
export function depthOf(text: string, most: number): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length && deepest <= most; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === BACKSLASH) i++;
      else if (unit === QUOTE) inString = false;
    } else if (unit === QUOTE) inString = true;
    else if (unit === 0x7b || unit === 0x5b) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (unit === 0x7d || unit === 0x5d) depth--;
  }
  return deepest;
}

/**
 * Whether a JSON text has more than `most` different names, found before anything is built: each new name, and each new
 * order of names, costs the engine a microsecond or more and a description that it keeps. Told apart by a hash of 32 bits
 * (FNV-1a), so that it may count a name too few.
 */
export function hasMoreNames(text: string, most: number): boolean {
  const size = 2 ** Math.ceil(Math.log2(most * 2 + 2));
  const seen = new Int32Array(size);
  let names = 0;
  for (let i = text.indexOf('"'); i !== -1; i = text.indexOf('"', i + 1)) {
    let hash = FNV_OFFSET;
    let unit = text.charCodeAt(++i);
    for (; unit !== QUOTE && i < text.length; unit = text.charCodeAt(++i)) {
      hash = Math.imul(hash ^ unit, FNV_PRIME);
      if (unit === BACKSLASH) i++;
    }
    let next = i + 1;
    while (text.charCodeAt(next) <= SPACE) next++;
    if (text.charCodeAt(next) !== COLON) continue;
    const key = hash | 1;
    let slot = (hash >>> 1) & (size - 1);
    while (seen[slot] !== 0 && seen[slot] !== key) slot = (slot + 1) & (size - 1);
    if (seen[slot] === key) continue;
    if (++names > most) return true;
    seen[slot] = key;
  }
  return false;
}
