import { isUtf8 } from 'node:buffer';
import { AppError } from '../kernel/errors.ts';
import { isJsonObject, type JsonValue } from '../kernel/json.ts';
import { depthOf, hasMoreNames } from './json-shape.ts';

const MAX_DEPTH = 64;
/** Longer texts are written anew, so that white space cannot swell the log. */
const MAX_LINE_TEXT = 4096;
/** Names that all objects of a large body may have together: a million of them would hold up everyone for seconds. */
const MAX_NAMES = 20_000;
const LARGE_CHARACTERS = 1024 * 1024;

/** A body, and the text of its rows, with which their log lines need not be written a second time. */
export interface ParsedBody {
  readonly value: JsonValue;
  /** The text of the whole; null when it may not stand in a log line. What is in it twice counts as in `value`: the last. */
  readonly text: string | null;
  /** The text of each object in the one list that the body holds, in order; null where that cannot be told at a glance. */
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
  const spans = sideBySide(text);
  const isShallow = spans !== null && hasAtMost(MAX_DEPTH - 2, '[', text);
  if (!isShallow && depthOf(text, MAX_DEPTH) > MAX_DEPTH) {
    throw new AppError('BODY_MALFORMED', `The body is nested deeper than ${MAX_DEPTH} levels`);
  }
  if (text.length > LARGE_CHARACTERS && hasMoreNames(text, MAX_NAMES)) {
    throw new AppError('BODY_MALFORMED', `The body has more than ${MAX_NAMES} different field names`);
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
    text: isOneLine ? lineText(text) : null,
    elements: isOneLine && spans !== null ? elementsOf(text, value, spans) : null,
  };
}

/** A JSON text of one line as it may stand in a log line, or null where it is too long. */
export function lineText(text: string): string | null {
  return text.length <= MAX_LINE_TEXT ? text : null;
}

function reasonOf(body: Buffer): string {
  const text = body.toString('latin1', 0, 100_000);
  if (/[:[,]\s*-?(NaN|Infinity)\b/.test(text))
    return 'NaN and Infinity are not JSON: send null for a missing number';
  if (/^\s*[{[]\s*'/.test(text)) return 'JSON strings take double quotes';
  return 'The body is not valid JSON';
}

/**
 * Where each pair of braces inside the first begins and ends, as far as they lie side by side; null when there is one
 * inside another. Braces inside strings count like others. Finding them takes a tenth of the time of reading the text.
 */
function sideBySide(text: string): readonly number[] | null {
  const spans: number[] = [];
  let open = text.indexOf('{');
  if (open === -1) return spans;
  let close = text.indexOf('}');
  for (open = text.indexOf('{', open + 1); open !== -1; ) {
    const next = text.indexOf('{', open + 1);
    const after = text.indexOf('}', close + 1);
    const isPair = open < close && (next === -1 || next > close) && (next === -1 || after > next);
    if (!isPair) return null;
    spans.push(open, close + 1);
    open = next;
    close = after;
  }
  return text.indexOf('}', close + 1) === -1 ? spans : null;
}

function hasAtMost(most: number, character: string, text: string): boolean {
  let at = text.indexOf(character);
  for (let left = most; at !== -1; at = text.indexOf(character, at + 1)) if (--left < 0) return false;
  return true;
}

/**
 * Every object of the list has a pair of braces in the text. Where there are no more pairs than objects, none is inside
 * a string, inside a row or in another list, and so each pair is the row in its place.
 */
function elementsOf(text: string, value: JsonValue, spans: readonly number[]): ParsedBody['elements'] {
  const lists = isJsonObject(value) ? Object.values(value).filter((inner) => Array.isArray(inner)) : [];
  const [list] = lists;
  if (list === undefined || lists.length > 1 || list.length !== spans.length / 2) return null;
  if (!list.every(isJsonObject)) return null;
  return list.map((_, i) => {
    const [from, to] = [spans[2 * i] as number, spans[2 * i + 1] as number];
    return lineText(text.slice(from, to));
  });
}
