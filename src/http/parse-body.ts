import { isUtf8 } from 'node:buffer';
import { AppError } from '../kernel/errors.ts';
import type { JsonValue } from '../kernel/json.ts';

const MAX_DEPTH = 64;
/** Longer texts are written anew, so that white space cannot swell the log. */
const MAX_LINE_TEXT = 4096;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A body, and the text of its rows, with which their log lines need not be written a second time. */
export interface ParsedBody {
  readonly value: JsonValue;
  /** The text of the whole; null when it may not stand in a log line. What is in it twice counts as in `value`: the last. */
  readonly text: string | null;
  /** The text of each object in the one list that the body holds, in order; null when it holds none, or several. */
  readonly elements: readonly (string | null)[] | null;
}

/**
 * JSON as RFC 8259 has it: UTF-8 (a byte order mark is passed over), at most 64 levels deep. `__proto__` is a key like
 * any other: nothing here copies objects. BODY_MALFORMED otherwise.
 */
export function parseBody(body: Buffer): ParsedBody {
  if (body.length === 0) throw new AppError('BODY_MALFORMED', 'The body is empty: send a JSON object');
  if (!isUtf8(body)) throw new AppError('BODY_MALFORMED', 'The body is not UTF-8');
  const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  const text = body.toString('utf8', start);
  const layout = hasFewBrackets(text) ? null : layoutOf(text);
  if (layout !== null && layout.depth > MAX_DEPTH) {
    throw new AppError('BODY_MALFORMED', `The body is nested deeper than ${MAX_DEPTH} levels`);
  }
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    throw new AppError('BODY_MALFORMED', reasonOf(body));
  }
  const isOneLine = !text.includes('\n') && !text.includes('\r');
  return {
    value,
    text: isOneLine && text.length <= MAX_LINE_TEXT ? text : null,
    elements: isOneLine ? elementsOf(text, layout) : null,
  };
}

function reasonOf(body: Buffer): string {
  const text = body.toString('latin1', 0, 100_000);
  if (/[:[,]\s*-?(NaN|Infinity)\b/.test(text))
    return 'NaN and Infinity are not JSON: send null for a missing number';
  if (/^\s*[{[]\s*'/.test(text)) return 'JSON strings take double quotes';
  return 'The body is not valid JSON';
}

/** Whether there are too few brackets for any depth that matters, which is found without looking at each character. */
function hasFewBrackets(text: string): boolean {
  let left = MAX_DEPTH;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1))
      if (--left < 0) return false;
  }
  return true;
}

interface Layout {
  /** Deepest nesting. */
  readonly depth: number;
  /** Lists and objects directly inside the body. */
  readonly inner: number;
  /** Where each list or object on the third level begins and ends. */
  readonly spans: readonly number[];
}

/** Found before anything is built: a body of brackets alone costs a hundred times its size. */
function layoutOf(text: string): Layout {
  const spans: number[] = [];
  let depth = 0;
  let deepest = 0;
  let inner = 0;
  let inString = false;
  for (let i = 0; i < text.length && deepest <= MAX_DEPTH; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === BACKSLASH) i++;
      else if (unit === QUOTE) inString = false;
    } else if (unit === QUOTE) inString = true;
    else if (unit === 0x7b || unit === 0x5b) {
      depth++;
      if (depth === 2) inner++;
      else if (depth === 3) spans.push(i);
      if (depth > deepest) deepest = depth;
    } else if (unit === 0x7d || unit === 0x5d) {
      if (depth === 3) spans.push(i + 1);
      depth--;
    }
  }
  return { depth: deepest, inner, spans };
}

function elementsOf(text: string, layout: Layout | null): readonly (string | null)[] | null {
  if (layout === null || layout.inner !== 1) return null;
  const { spans } = layout;
  return Array.from({ length: spans.length / 2 }, (_, i) => {
    const [from, to] = [spans[2 * i] as number, spans[2 * i + 1] as number];
    return to - from <= MAX_LINE_TEXT ? text.slice(from, to) : null;
  });
}
