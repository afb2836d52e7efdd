const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const WORDS: readonly (readonly [word: Buffer, json: Buffer])[] = [
  ['NaN', 'null'],
  ['-Infinity', '-1e999'],
  ['Infinity', '1e999'],
].map(([word = '', json = '']) => [Buffer.from(word), Buffer.from(json)]);
const FIRST_BYTES: ReadonlySet<number> = new Set(WORDS.map(([word]) => word[0] as number));
const MOST_GROWTH = 4 / 3;

/**
 * Python writes NaN and Infinity into JSON, which JSON does not have, and its clients send them. NaN becomes null, a
 * missing value; Infinity a number that is too large, for the check of the signature to name. Other bodies are handed on
 * untouched. Byte by byte into one buffer: as texts, ten megabytes of NaN took a second.
 */
export function toStandardJson(body: Buffer): Buffer {
  if (!body.includes('NaN') && !body.includes('Infinity')) return body;
  const standard = Buffer.allocUnsafe(Math.ceil(body.length * MOST_GROWTH));
  let to = 0;
  for (let at = 0; at < body.length; ) {
    const byte = body[at] as number;
    if (byte === QUOTE) {
      const end = endOfString(body, at);
      to += body.copy(standard, to, at, end);
      at = end;
    } else {
      const found = FIRST_BYTES.has(byte) ? WORDS.find(([word]) => isAt(body, word, at)) : undefined;
      if (found === undefined) {
        standard[to++] = byte;
        at++;
      } else {
        for (const written of found[1]) standard[to++] = written;
        at += found[0].length;
      }
    }
  }
  return standard.subarray(0, to);
}

function isAt(body: Buffer, word: Buffer, at: number): boolean {
  for (let i = 0; i < word.length; i++) if (body[at + i] !== word[i]) return false;
  return true;
}

/** Behind its closing quote. */
function endOfString(body: Buffer, start: number): number {
  for (let i = start + 1; i < body.length; i++) {
    if (body[i] === BACKSLASH) i++;
    else if (body[i] === QUOTE) return i + 1;
  }
  return body.length;
}
