import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { type ElementType, type Field, integerBounds } from '../models/signature.ts';

/**
 * From a dialect's cell to a field's value (docs/reference/coercion.md). Data frames and tensors say less than a
 * signature: integers with gaps arrive as floats, booleans as 0 and 1, numbers of CSV as text. What can be told without
 * loss is converted; anything else is handed on as it came, for the check of the signature to refuse in its own words.
 */
export function coerceCell(field: Field, cell: unknown): JsonValue {
  return field.shape.length === 0 || isMissing(cell)
    ? coerceScalar(field.type, cell)
    : coerceArray(field.type, cell);
}

/** A row whose cells are coerced; a missing cell of a field that may be absent and not null is left out. Names that are no field stay, for the check to refuse. */
export function coerceRow(fields: readonly Field[], row: Readonly<Record<string, unknown>>): JsonObject {
  const known = new Map(fields.map((field) => [field.name, field]));
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, cell]): [string, JsonValue][] => {
      const field = known.get(name);
      if (field === undefined) return [[name, cell as JsonValue]];
      if (isMissing(cell) && !field.required && !field.nullable) return [];
      return [[name, coerceCell(field, cell)]];
    }),
  );
}

function isMissing(cell: unknown): boolean {
  return cell === null || cell === undefined || Number.isNaN(cell);
}

function coerceArray(type: ElementType, cell: unknown): JsonValue {
  return Array.isArray(cell) ? cell.map((item) => coerceArray(type, item)) : coerceScalar(type, cell);
}

function coerceScalar(type: ElementType, cell: unknown): JsonValue {
  if (isMissing(cell)) return null;
  if (type === 'string') return cell as JsonValue;
  if (type === 'bool') return toBoolean(cell);
  return toNumber(cell, integerBounds(type) !== null);
}

const BOOLEAN_TEXTS: Readonly<Record<string, boolean>> = {
  true: true,
  True: true,
  TRUE: true,
  false: false,
  False: false,
  FALSE: false,
};

function toBoolean(cell: unknown): JsonValue {
  if (cell === 1 || cell === 1n) return true;
  if (cell === 0 || cell === 0n) return false;
  if (typeof cell === 'string' && Object.hasOwn(BOOLEAN_TEXTS, cell)) return BOOLEAN_TEXTS[cell] as boolean;
  return cell as JsonValue;
}

const NUMBER_TEXT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const LONGEST_NUMBER = 400;

function toNumber(cell: unknown, isWhole: boolean): JsonValue {
  if (typeof cell === 'boolean') return cell ? 1 : 0;
  if (typeof cell === 'bigint') return isExact(Number(cell)) ? Number(cell) : String(cell);
  if (typeof cell !== 'string' || cell.length > LONGEST_NUMBER) return cell as JsonValue;
  const text = cell.trim();
  if (!NUMBER_TEXT.test(text)) return cell;
  const number = Number(text);
  return isWhole && !isExact(number) && Number.isInteger(number) ? cell : number;
}

/** Integers beyond are not told apart. */
function isExact(number: number): boolean {
  return Number.isSafeInteger(number);
}
