import { AppError } from '../../kernel/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { Field, Signature } from '../../models/signature.ts';
import { coerceRow } from '../coercion.ts';
import type { Invocation } from './invocation.ts';

type Cells = readonly unknown[];

/**
 * The rows of an invocation for a model of this signature. Declared columns go by their names, and columns that are no
 * field are passed over, as MLflow has it; where no columns are declared, names go first and places second.
 */
export function rowsOf(signature: Signature, invocation: Invocation): readonly JsonValue[] {
  const rows = read(signature, invocation);
  if (rows.length === 0 && signature.tensors.declared !== 'columns')
    throw new AppError('REQUEST_INVALID', 'There is no row in the input');
  return rows;
}

function read(signature: Signature, invocation: Invocation): readonly JsonValue[] {
  switch (invocation.form) {
    case 'frame':
      return rowsOfFrame(signature, invocation.columns, invocation.rows, invocation.isText);
    case 'records':
      return rowsOfRecords(signature, invocation.records, true);
    case 'arrays':
      return rowsOfArrays(signature, invocation.value, invocation.key);
  }
}

function rowsOfFrame(
  signature: Signature,
  columns: readonly string[] | null,
  rows: readonly Cells[],
  isText: boolean,
): readonly JsonValue[] {
  const width = columns?.length ?? rows[0]?.length ?? 0;
  const names = columns ?? Array.from({ length: width }, (_, i) => String(i));
  const placeOf = new Map(names.map((name, i) => [name, i] as const).reverse());
  const inFrame = (name: string): boolean => placeOf.has(name);
  if (isNamed(signature, inFrame)) {
    requireOnce(signature, names);
    return rows.map((cells) =>
      rowOfFields(signature, (field) => {
        const place = placeOf.get(field.name);
        if (place === undefined) return ABSENT;
        return isText ? cellOfText(field, cells[place]) : cells[place];
      }),
    );
  }
  requirePlaces(signature, inFrame);
  return rows.map((cells) => rowOfPlaces(signature, cells.slice(0, width), isText));
}

/** Objects of a data frame have their places too; those of arrays have names only. */
function rowsOfRecords(
  signature: Signature,
  records: readonly JsonObject[],
  havePlaces: boolean,
): readonly JsonValue[] {
  const inRecords = (name: string): boolean => records.some((record) => Object.hasOwn(record, name));
  const { fields } = signature;
  if (records.length === 0) throw missing(fields.map(({ name }) => name));
  if (isNamed(signature, inRecords)) {
    return records.map((record) =>
      rowOfFields(signature, ({ name }) => (Object.hasOwn(record, name) ? record[name] : ABSENT)),
    );
  }
  const matrix = matrixNameOf(signature);
  if (matrix !== null && inRecords(matrix))
    return records.map((record) => rowOfValue(signature, record[matrix] ?? null));
  if (!havePlaces)
    throw missing(signature.fields.filter(({ name }) => !inRecords(name)).map(({ name }) => name));
  requirePlaces(signature, inRecords);
  const first = Object.keys(records[0] as JsonObject);
  return records.map((record) =>
    rowOfPlaces(
      signature,
      first.map((name) => record[name]),
      false,
    ),
  );
}

function rowsOfArrays(
  signature: Signature,
  value: JsonValue,
  key: 'instances' | 'inputs',
): readonly JsonValue[] {
  const { fields } = signature;
  if (isJsonObject(value)) return rowsOfColumns(signature, value);
  if (!Array.isArray(value)) {
    if (fields.length !== 1) throw missing(fields.map(({ name }) => name));
    return [rowOfValue(signature, value)];
  }
  if (value.length > 0 && value.every(isJsonObject)) {
    if (key === 'inputs' && signature.tensors.declared !== 'columns')
      throw new AppError(
        'REQUEST_INVALID',
        'Tensors in "inputs" are {"name": [...]}; rows go in "instances"',
      );
    return rowsOfRecords(signature, value, false);
  }
  if (fields.length > 1) requirePlaces(signature, () => false);
  return value.map((item) => rowOfValue(signature, item));
}

/** `{"a": [1, 2], "b": [3, 4]}`; scalars alone are one row. */
function rowsOfColumns(signature: Signature, columns: JsonObject): readonly JsonValue[] {
  const { fields } = signature;
  const names = isNamed(signature, (name) => Object.hasOwn(columns, name))
    ? fields.map(({ name }) => name).filter((name) => Object.hasOwn(columns, name))
    : [matrixNameOf(signature) ?? ''];
  const known = names.filter((name) => Object.hasOwn(columns, name));
  if (known.length === 0) throw missing(fields.map(({ name }) => name));
  const lists = known.map((name) => columns[name] as JsonValue);
  if (signature.tensors.declared === 'columns' && lists.every((list) => !Array.isArray(list)))
    return [coerceRow(fields, Object.fromEntries(known.map((name, i) => [name, lists[i]])))];
  const length = lists.find((list) => Array.isArray(list))?.length ?? 0;
  if (!lists.every((list) => Array.isArray(list) && list.length === length)) {
    throw new AppError('REQUEST_INVALID', 'The length of values for each input/column name are not the same');
  }
  const records = Array.from({ length }, (_, row) =>
    Object.fromEntries(known.map((name, i) => [name, (lists[i] as readonly JsonValue[])[row] as JsonValue])),
  );
  return records.length === 0 ? [] : rowsOfRecords(signature, records, false);
}

/** The graph's own name of the input that takes all fields, where the rows are tensors. */
function matrixNameOf({ tensors }: Signature): string | null {
  return tensors.declared === 'columns' ? null : (tensors.matrix?.name ?? null);
}

const ABSENT = Symbol('absent');

function rowOfFields(signature: Signature, cellOf: (field: Field) => unknown): JsonObject {
  const { fields } = signature;
  const cells = fields.map((field) => [field, cellOf(field)] as const).filter(([, cell]) => cell !== ABSENT);
  return coerceRow(
    fields,
    Object.fromEntries(cells.map(([field, cell]) => [field.name, unwrapped(signature, field, cell)])),
  );
}

/** A row without names: a cell per field, or a cell that holds all of them, or the elements of the only field. */
function rowOfPlaces(signature: Signature, cells: Cells, isText: boolean): JsonValue {
  const { fields } = signature;
  const [only] = fields;
  if (cells.length === 1 && Array.isArray(cells[0])) return rowOfValue(signature, cells[0] as JsonValue);
  if (fields.length === 1 && only !== undefined && only.shape.length > 0)
    return coerceRow(fields, { [only.name]: cells.map((cell) => (isText ? cellOfText(only, cell) : cell)) });
  if (cells.length !== fields.length) {
    throw new AppError(
      'INPUT_INVALID',
      `The model takes ${fields.length} columns, the data has ${cells.length}`,
    );
  }
  let place = 0;
  return rowOfFields(signature, (field) => {
    const cell = cells[place++];
    return isText ? cellOfText(field, cell) : cell;
  });
}

/** One element of a tensor along its first axis. */
function rowOfValue(signature: Signature, value: JsonValue): JsonValue {
  const { fields } = signature;
  const [only] = fields;
  if (fields.length === 1 && only !== undefined)
    return coerceRow(fields, { [only.name]: unwrapped(signature, only, value) });
  return Array.isArray(value) && value.length === fields.length
    ? rowOfPlaces(signature, value, false)
    : value;
}

/** The element of a tensor of one column; a table has no brackets around it. */
function unwrapped({ tensors }: Signature, field: Field, cell: unknown): unknown {
  if (tensors.declared === 'columns' || tensors.matrix !== null) return cell;
  return field.shape.length === 0 && Array.isArray(cell) && cell.length === 1 ? cell[0] : cell;
}

function isNamed({ fields }: Signature, isThere: (name: string) => boolean): boolean {
  return (
    fields.every(({ name, required }) => !required || isThere(name)) &&
    fields.some(({ name }) => isThere(name))
  );
}

/** Refuses what can go by name only. */
function requirePlaces(
  { fields, tensors, acceptsArray }: Signature,
  isThere: (name: string) => boolean,
): void {
  const areNamed = tensors.declared === 'columns' && !fields.every(({ name }, i) => name === `f${i}`);
  if (acceptsArray && !areNamed) return;
  throw missing(fields.filter(({ name, required }) => required && !isThere(name)).map(({ name }) => name));
}

function requireOnce({ fields }: Signature, columns: readonly string[]): void {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of columns) (seen.has(name) ? twice : seen).add(name);
  const field = fields.find(({ name }) => twice.has(name));
  if (field !== undefined) throw new AppError('INPUT_INVALID', `Column '${field.name}' stands there twice`);
}

const NAMED_MISSING = 20;

function missing(names: readonly string[]): AppError {
  const named = names.slice(0, NAMED_MISSING).map((name) => `'${name}'`);
  const more = names.length > NAMED_MISSING ? `, and ${names.length - NAMED_MISSING} more` : '';
  return new AppError('INPUT_INVALID', `Model is missing inputs [${named.join(', ')}]${more}.`);
}

/** What pandas takes for a missing value in CSV. In a field of text only the empty cell is: `NA` may be a word. */
const MISSING_TEXTS = new Set([
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

function cellOfText(field: Field, cell: unknown): unknown {
  if (cell === '' || cell === undefined) return null;
  return field.type !== 'string' && MISSING_TEXTS.has(cell as string) ? null : cell;
}
