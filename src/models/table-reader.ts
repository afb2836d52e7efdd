import { isAscii, isUtf8 } from 'node:buffer';
import { isJsonObject } from '../kernel/json.ts';
import { compileField } from './record-check.ts';
import { jsonAt, RowTable, type TableColumn } from './row-table.ts';
import type { Field } from './signature.ts';

/** Reads rows of one signature; made once per model version. */
export interface TableReader {
  /**
   * The list of rows that begins at a byte of a JSON text. Null where it is not the plain case: then the rows have to be
   * parsed and checked one by one, which also tells what is wrong with them. Plain are rows in UTF-8 that fit the
   * signature, all with all of its fields, in one order and without escapes.
   */
  read(json: Buffer, start: number): TableInJson | null;
}

export interface TableInJson {
  readonly table: RowTable;
  /** The JSON of each row. */
  readonly texts: readonly string[];
  /** The byte behind the list. */
  readonly end: number;
}

/** Null for a signature whose rows a table cannot hold: arrays, parameters of the inference, the one name that objects keep. */
export function compileTableReader(fields: readonly Field[]): TableReader | null {
  const isPlain = fields.every(
    ({ name, shape, param }) => shape.length === 0 && param === undefined && name !== '__proto__',
  );
  if (!isPlain || fields.length === 0) return null;
  const tests = fields.map(compileField);
  const fits = (column: TableColumn, place: number): boolean => {
    const field = fields[place] as Field;
    const test = tests[place] as (value: unknown) => boolean;
    for (let row = 0; row < column.length; row++) if (!test(jsonAt(field, column, row))) return false;
    return true;
  };
  return {
    read(json, start) {
      const scanned = scanTable(fields, json, start);
      return scanned?.table.columns.every(fits) === true ? scanned : null;
    },
  };
}

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_E = 0x45;
const LIST = 0x5b;
const LIST_END = 0x5d;
const BACKSLASH = 0x5c;
const LOWER_E = 0x65;
const ROW = 0x7b;
const ROW_END = 0x7d;
const SPACE = 0x20;
const WHITE_SPACE = [SPACE, 0x0a, 0x0d, 0x09];
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/**
 * Digits of a decimal that one division reads right, as the numerator and the power of ten are exact then (W. D. Clinger,
 * "How to read floating point numbers accurately", 1990).
 */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power);
const FIRST_ROOM = 256;
const MISFIT = -1;
/** A longer first row is not parsed for its names: what lies in it may be nested without end. */
const MOST_ROW_BYTES = 1 << 16;

/** A JSON text whose bytes are read one after the other. */
interface Source {
  readonly json: Buffer;
  /** All of it where each byte is a character: slices of a text cost less than texts of bytes. */
  readonly ascii: string | null;
}

type Columns = (Float64Array | (string | null)[])[];

function scanTable(fields: readonly Field[], json: Buffer, start: number): TableInJson | null {
  if (json[start] !== LIST) return null;
  let at = afterSpace(json, start + 1);
  const order = orderOf(fields, json, at);
  if (order === null || !isUtf8(json)) return null;
  const source = { json, ascii: isAscii(json) ? json.toString('latin1') : null };
  const columns: Columns = fields.map(({ type }) => (type === 'string' ? [] : new Float64Array(FIRST_ROOM)));
  const texts: string[] = [];
  for (;;) {
    const row = texts.length;
    if (row > 0 && row % FIRST_ROOM === 0) makeRoom(columns, row);
    const end = takeRow(source, at, order, columns, row);
    if (end === MISFIT) return null;
    texts.push(textOf(source, at, end));
    at = afterSpace(json, end);
    if (json[at] !== COMMA) break;
    at = afterSpace(json, at + 1);
  }
  if (json[at] !== LIST_END) return null;
  const filled = columns.map((column) =>
    column instanceof Float64Array ? column.subarray(0, texts.length) : column,
  );
  return { table: new RowTable(fields, filled, texts.length), texts, end: at + 1 };
}

/** Where a field stands in the rows. */
interface Position {
  /** Its name as it is written there. */
  readonly name: Buffer;
  readonly place: number;
  readonly isBool: boolean;
}

/** The order of the fields in the row at `start`; null where it has others. */
function orderOf(fields: readonly Field[], json: Buffer, start: number): readonly Position[] | null {
  const end = json.indexOf(ROW_END, start) + 1;
  if (end - start > MOST_ROW_BYTES) return null;
  const names = Object.keys(objectIn(json.toString('utf8', start, end)));
  const order = names.map((name) => {
    const place = fields.findIndex((field) => field.name === name);
    return { name: Buffer.from(JSON.stringify(name)), place, isBool: fields[place]?.type === 'bool' };
  });
  return order.length === fields.length && order.every(({ place }) => place !== -1) ? order : null;
}

/** Reads what begins at a byte into a row of the columns; answers with the byte behind it, or MISFIT. */
function takeRow(
  source: Source,
  start: number,
  order: readonly Position[],
  columns: Columns,
  row: number,
): number {
  const { json } = source;
  let at = start;
  for (let i = 0; i < order.length; i++) {
    const { name, place, isBool } = order[i] as Position;
    if (json[at] !== (i === 0 ? ROW : COMMA)) return MISFIT;
    at = takeBytes(json, afterSpace(json, at + 1), name);
    if (at === MISFIT) return MISFIT;
    at = afterSpace(json, at);
    if (json[at] !== COLON) return MISFIT;
    at = afterSpace(json, at + 1);
    const column = columns[place] as Columns[number];
    if (!(column instanceof Float64Array)) at = takeText(source, at, column, row);
    else if (isBool) at = takeBool(json, at, column, row);
    else at = takeNumber(source, at, column, row);
    if (at === MISFIT) return MISFIT;
    at = afterSpace(json, at);
  }
  return json[at] === ROW_END ? at + 1 : MISFIT;
}

function takeText(source: Source, start: number, column: (string | null)[], row: number): number {
  const { json } = source;
  if (json[start] !== QUOTE) {
    column[row] = null;
    return takeBytes(json, start, NULL);
  }
  let at = start + 1;
  for (let byte = json[at]; byte !== QUOTE; byte = json[++at])
    if (byte === undefined || byte === BACKSLASH || byte < SPACE) return MISFIT;
  column[row] = textOf(source, start + 1, at);
  return at + 1;
}

/** `-? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?` */
function takeNumber(source: Source, start: number, column: Float64Array, row: number): number {
  const { json } = source;
  const isNegative = json[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  let at = first;
  let byte = json[at] as number;
  let value = 0;
  for (; byte >= ZERO && byte <= NINE; byte = json[++at] as number) value = value * 10 + byte - ZERO;
  let digits = at - first;
  if (digits === 0) {
    column[row] = Number.NaN;
    return takeBytes(json, start, NULL);
  }
  if (json[first] === ZERO && digits > 1) return MISFIT;
  if (byte === POINT) {
    const point = at;
    for (byte = json[++at] as number; byte >= ZERO && byte <= NINE; byte = json[++at] as number)
      value = value * 10 + byte - ZERO;
    const decimals = at - point - 1;
    if (decimals === 0) return MISFIT;
    digits += decimals;
    value /= POWERS_OF_TEN[decimals] ?? 1;
  }
  const hasExponent = byte === LOWER_E || byte === UPPER_E;
  if (hasExponent) {
    at = afterExponent(json, at + 1);
    if (at === MISFIT) return MISFIT;
  }
  if (hasExponent || digits > EXACT_DIGITS) column[row] = Number(textOf(source, start, at));
  else column[row] = isNegative ? -value : value;
  return at;
}

function afterExponent(json: Buffer, start: number): number {
  const first = json[start] === PLUS || json[start] === MINUS ? start + 1 : start;
  let at = first;
  for (let byte = json[at] as number; byte >= ZERO && byte <= NINE; byte = json[++at] as number);
  return at === first ? MISFIT : at;
}

function takeBool(json: Buffer, start: number, column: Float64Array, row: number): number {
  const word = json[start] === TRUE[0] ? TRUE : json[start] === FALSE[0] ? FALSE : NULL;
  column[row] = word === NULL ? Number.NaN : Number(word === TRUE);
  return takeBytes(json, start, word);
}

function takeBytes(json: Buffer, start: number, bytes: Buffer): number {
  for (let i = 0; i < bytes.length; i++) if (json[start + i] !== bytes[i]) return MISFIT;
  return start + bytes.length;
}

function afterSpace(json: Buffer, start: number): number {
  let at = start;
  while ((json[at] as number) <= SPACE && WHITE_SPACE.includes(json[at] as number)) at++;
  return at;
}

function textOf({ json, ascii }: Source, from: number, to: number): string {
  return ascii === null ? json.toString('utf8', from, to) : ascii.slice(from, to);
}

/** Twice the room in all columns of numbers, when it is full. */
function makeRoom(columns: Columns, rows: number): void {
  columns.forEach((column, place) => {
    if (!(column instanceof Float64Array) || column.length > rows) return;
    const larger = new Float64Array(rows * 2);
    larger.set(column);
    columns[place] = larger;
  });
}

function objectIn(json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
