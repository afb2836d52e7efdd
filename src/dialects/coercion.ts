import type { JsonValue } from '../kernel/json.ts';
import { type ElementType, type Field, integerBounds } from '../models/signature.ts';

/** What a dialect has of one value before it is a field's: JSON, or an element of a tensor that JSON has no word for. */
export type Cell = JsonValue | bigint | Uint8Array | undefined;

/** What cannot become a value of the field without losing something. */
export const LOSSY = Symbol('lossy');

/**
 * The cell of a dialect that says of what type it is (tensors) as a value, so that the same number is the same value
 * whatever carried it: NaN is missing where the field takes that, an integer of 64 bits a number where it is exact.
 * Whether the value fits the field is for the check of the signature to say.
 */
export function exactValue({ nullable }: Field, cell: Cell): JsonValue | typeof LOSSY {
  if (typeof cell === 'number') return nullable && Number.isNaN(cell) ? null : cell;
  if (typeof cell === 'bigint') {
    const near = Number(cell);
    return Number.isSafeInteger(near) ? near : LOSSY;
  }
  return cell instanceof Uint8Array ? LOSSY : (cell ?? null);
}

/**
 * The cell of a table as a value. Data frames say less than a signature: integers with gaps arrive as floats, booleans as
 * 0 and 1, numbers of CSV as text. What can be told without loss is converted; anything else is handed on as it came, for
 * the check of the signature to refuse in its own words (docs/reference/coercion.md).
 */
export function tableValue(field: Field, cell: JsonValue | undefined): JsonValue {
  if (Array.isArray(cell) && field.shape.length > 0) return cell.map((item) => tableValue(field, item));
  const value = exactValue(field, cell) as JsonValue;
  if (value === null || field.type === 'string') return value;
  return field.type === 'bool' ? toBoolean(value) : toNumber(field.type, value);
}

const BOOLEAN_TEXTS: Readonly<Record<string, boolean>> = {
  true: true,
  True: true,
  TRUE: true,
  false: false,
  False: false,
  FALSE: false,
  1: true,
  0: false,
};

function toBoolean(value: JsonValue): JsonValue {
  if (value === 1) return true;
  if (value === 0) return false;
  if (typeof value === 'string' && Object.hasOwn(BOOLEAN_TEXTS, value))
    return BOOLEAN_TEXTS[value] as boolean;
  return value;
}

const NUMBER_TEXT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const LONGEST_NUMBER = 400;

function toNumber(type: ElementType, value: JsonValue): JsonValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || value.length > LONGEST_NUMBER) return value;
  const text = value.trim();
  if (!NUMBER_TEXT.test(text)) return value;
  const number = Number(text);
  const isRounded = Number.isInteger(number) && !Number.isSafeInteger(number);
  return isRounded && integerBounds(type) !== null ? value : number;
}

/** What pandas takes for a missing value in CSV. */
const MISSING_TEXTS: ReadonlySet<string | undefined> = new Set([
  '#N/A',
  '#N/A N/A',
  '#NA',
  '-1.#IND',
  '-1.#QNAN',
  '-NaN',
  '-nan',
  '1.#IND',
  '1.#QNAN',
  '<NA>',
  'N/A',
  'NA',
  'NULL',
  'NaN',
  'None',
  'n/a',
  'nan',
  'null',
]);

/** The cell of a table that a text of CSV is. In a field of text only the empty one is missing: `NA` may be a word. */
export function csvCell({ type }: Field, text: string | undefined): string | null {
  if (text === '' || text === undefined) return null;
  return type !== 'string' && MISSING_TEXTS.has(text) ? null : text;
}
