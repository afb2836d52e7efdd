import { isUtf8 } from 'node:buffer';
import { AppError } from '../kernel/errors.ts';
import type { JsonValue } from '../kernel/json.ts';

const MAX_DEPTH = 64;
/** Brackets alone cost some 32 bytes each in memory; up to here that is less than the check for them is worth. */
const SMALL_BODY = 2 * MAX_DEPTH;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * JSON as RFC 8259 has it: UTF-8 (a byte order mark is passed over), at most 64 levels deep. `__proto__` is a key like
 * any other: nothing here copies objects. BODY_MALFORMED otherwise.
 */
export function parseBody(body: Buffer): JsonValue {
  if (body.length === 0) throw new AppError('BODY_MALFORMED', 'The body is empty: send a JSON object');
  if (!isUtf8(body)) throw new AppError('BODY_MALFORMED', 'The body is not UTF-8');
  if (body.length > SMALL_BODY && depthOf(body) > MAX_DEPTH) {
    throw new AppError('BODY_MALFORMED', `The body is nested deeper than ${MAX_DEPTH} levels`);
  }
  const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  try {
    return JSON.parse(body.toString('utf8', start)) as JsonValue;
  } catch {
    throw new AppError('BODY_MALFORMED', reasonOf(body));
  }
}

function reasonOf(body: Buffer): string {
  const text = body.toString('latin1', 0, 100_000);
  if (/[:[,]\s*-?(NaN|Infinity)\b/.test(text))
    return 'NaN and Infinity are not JSON: send null for a missing number';
  if (/^\s*[{[]\s*'/.test(text)) return 'JSON strings take double quotes';
  return 'The body is not valid JSON';
}

/** Deepest nesting, found before anything is built: a body of brackets alone costs a hundred times its size. */
function depthOf(body: Buffer): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i] as number;
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return deepest;
}
