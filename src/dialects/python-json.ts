const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const WORDS: readonly (readonly [word: string, json: string])[] = [
  ['NaN', 'null'],
  ['-Infinity', '-1e999'],
  ['Infinity', '1e999'],
];

/**
 * Python writes NaN and Infinity into JSON, which JSON does not have, and its clients send them. NaN becomes null, a
 * missing value; Infinity a number that is too large, for the check of the signature to name. Other bodies are handed on
 * untouched.
 */
export function toStandardJson(body: Buffer): Buffer {
  if (!body.includes('NaN') && !body.includes('Infinity')) return body;
  const text = body.toString('latin1');
  let standard = '';
  let copied = 0;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) === QUOTE) {
      i = endOfString(text, i);
      continue;
    }
    const found = WORDS.find(([word]) => text.startsWith(word, i));
    if (found === undefined) continue;
    standard += text.slice(copied, i) + found[1];
    copied = i + found[0].length;
    i = copied - 1;
  }
  return Buffer.from(standard + text.slice(copied), 'latin1');
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === BACKSLASH) i++;
    else if (unit === QUOTE) return i;
  }
  return text.length;
}
