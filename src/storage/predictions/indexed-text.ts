import { createHash } from 'node:crypto';

/** An index entry of PostgreSQL holds at most 2,704 bytes, and a UTF-16 unit is three of them at worst. */
const LONGEST = 512;
const HASHED = '\u0001sha256:';
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The form of a caller's text that both databases can hold, index and compare: the text itself, or a hash of it when
 * it holds NUL (neither database can) or a lone surrogate (both would change it), or is longer than an index takes.
 * A filter compares with the same form; the text itself stays in the row's line.
 */
export function indexedText(text: string): string {
  const isPlain = text.length <= LONGEST && !text.includes('\0') && !text.startsWith(HASHED);
  if (isPlain && !LONE_SURROGATE.test(text)) return text;
  // JSON keeps lone surrogates apart, which UTF-8 does not.
  return HASHED + createHash('sha256').update(JSON.stringify(text)).digest('hex');
}
