import { AppError } from '../../kernel/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { Field, Signature } from '../../models/signature.ts';
import { requireRows } from '../../serving/row.ts';
import { csvCell, tableValue } from '../coercion.ts';
import type { Invocation, InvocationData } from './invocation.ts';

type Cells = readonly JsonValue[];

/**
 * The rows of an invocation for a model of this signature. Declared columns go by their names, and columns that are no
 * field are passed over, as MLflow has it; where no columns are declared, names go first and places second. Fails with
 * BODY_TOO_LARGE past `maxRows`, before anything is made of them.
 */
export function rowsOf(signature: Signature, invocation: Invocation, maxRows: number): readonly JsonValue[] {
  const fields = signature.fields.filter(({ param }) => param === undefined);
  const rows = read({ ...signature, fields }, invocation.data, maxRows);
  if (rows.length === 0 && signature.tensors.declared !== 'columns')
    throw new AppError('REQUEST_INVALID', 'There is no row in the input');
  if (fields.length === signature.fields.length) return rows;
  const params = paramsOf(signature, invocation.params);
  return rows.map((row) => (isJsonObject(row) ? { ...row, ...params } : row));
}

/** Those that the model declares, for each row; others are passed over, as MLflow has it. */
function paramsOf({ fields }: Signature, params: JsonValue): JsonObject {
  const given = params ?? {};
  if (!isJsonObject(given))
    throw new AppError('REQUEST_INVALID', 'params must be a dictionary of inference parameters');
  return Object.fromEntries(
    fields
      .filter(({ name, param }) => param !== undefined && Object.hasOwn(given, name))
      .map(({ name }) => [name, given[name] as JsonValue]),
  );
}

function read(signature: Signature, data: InvocationData, maxRows: number): readonly JsonValue[] {
  switch (data.form) {
    case 'frame':
      requireRows(data.rows.length, maxRows);
      return rowsOfFrame(signature, data.columns, data.rows, data.isText);
    case 'records':
      requireRows(data.records.length, maxRows);
      return rowsOfRecords(signature, data.records, true);
    case 'arrays':
      return rowsOfArrays(signature, data.value, { key: data.key, maxRows });
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
  const cellOf = (field: Field, cell: JsonValue | undefined): JsonValue | undefined =>
    isText ? csvCell(field, cell as string | undefined) : (cell ?? null);
  if (isNamed(signature, inFrame)) {
    requireOnce(signature, names);
    const places = signature.fields.map(({ name }) => placeOf.get(name));
    return rows.map((cells) =>
      rowOfFields(signature, (field, i) => {
        const place = places[i];
        return place === undefined ? undefined : cellOf(field, cells[place]);
      }),
    );
  }
  requirePlaces(signature, inFrame);
  return rows.map((cells) => rowOfPlaces(signature, cells.slice(0, width), cellOf));
}

/** Objects of a data frame have their places too; those of arrays have names only. */
function rowsOfRecords(
  signature: Signature,
  records: readonly JsonObject[],
  havePlaces: boolean,
): readonly JsonValue[] {
  const { fields } = signature;
  if (records.length === 0) throw missing(fields.map(({ name }) => name));
  const names = new Set<string>();
  for (const record of records) for (const name in record) names.add(name);
  const inRecords = (name: string): boolean => names.has(name);
  if (isNamed(signature, inRecords)) {
    return records.map((record) =>
      rowOfFields(signature, ({ name }) => (Object.hasOwn(record, name) ? record[name] : undefined)),
    );
  }
  const matrix = matrixNameOf(signature);
  if (matrix !== null && inRecords(matrix))
    return records.map((record) => rowOfValue(signature, record[matrix] ?? null));
  if (!havePlaces) throw missing(fields.filter(({ name }) => !inRecords(name)).map(({ name }) => name));
  requirePlaces(signature, inRecords);
  const first = Object.keys(records[0] as JsonObject);
  return records.map((record) =>
    rowOfPlaces(
      signature,
      first.map((name) => record[name] ?? null),
    ),
  );
}

function rowsOfArrays(
  signature: Signature,
  value: JsonValue,
  { key, maxRows }: { readonly key: 'instances' | 'inputs'; readonly maxRows: number },
): readonly JsonValue[] {
  const { fields } = signature;
  if (isJsonObject(value)) return rowsOfColumns(signature, value, maxRows);
  if (!Array.isArray(value)) {
    if (fields.length !== 1) throw missing(fields.map(({ name }) => name));
    return [rowOfValue(signature, value)];
  }
  requireRows(value.length, maxRows);
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
function rowsOfColumns(signature: Signature, columns: JsonObject, maxRows: number): readonly JsonValue[] {
  const { fields } = signature;
  const inColumns = (name: string): boolean => Object.hasOwn(columns, name);
  const named = isNamed(signature, inColumns)
    ? fields.map(({ name }) => name)
    : [matrixNameOf(signature) ?? ''];
  const known = named.filter(inColumns);
  if (known.length === 0) throw missing(fields.map(({ name }) => name));
  const lists = known.map((name) => columns[name] as JsonValue);
  if (signature.tensors.declared === 'columns' && lists.every((list) => !Array.isArray(list)))
    return [rowOfFields(signature, ({ name }) => (inColumns(name) ? columns[name] : undefined))];
  const length = lists.find((list) => Array.isArray(list))?.length ?? 0;
  if (!lists.every((list) => Array.isArray(list) && list.length === length)) {
    throw new AppError('REQUEST_INVALID', 'The length of values for each input/column name are not the same');
  }
  requireRows(length, maxRows);
  const records = Array.from({ length }, (_, row) =>
    Object.fromEntries(known.map((name, i) => [name, (lists[i] as Cells)[row] as JsonValue])),
  );
  return records.length === 0 ? [] : rowsOfRecords(signature, records, false);
}

/** The graph's own name of the input that takes all fields, where the rows are tensors. */
function matrixNameOf({ tensors }: Signature): string | null {
  return tensors.declared === 'columns' ? null : (tensors.matrix?.name ?? null);
}

/** `cellOf` says undefined for a field that the row does not have. */
function rowOfFields(
  signature: Signature,
  cellOf: (field: Field, place: number) => JsonValue | undefined,
): JsonObject {
  const { fields } = signature;
  const row: Record<string, JsonValue> = {};
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Field;
    const cell = cellOf(field, i);
    if (cell !== undefined) row[field.name] = tableValue(field, unwrapped(signature, field, cell));
  }
  return row;
}

/** A row without names: a cell per field, or a cell that holds all of them, or the elements of the only field. */
function rowOfPlaces(
  signature: Signature,
  cells: Cells,
  cellOf: (field: Field, cell: JsonValue) => JsonValue | undefined = (_, cell) => cell,
): JsonValue {
  const { fields } = signature;
  const [only] = fields;
  if (cells.length === 1 && Array.isArray(cells[0])) return rowOfValue(signature, cells[0]);
  if (fields.length === 1 && only !== undefined && only.shape.length > 0)
    return rowOfFields(signature, () => cells.map((cell) => cellOf(only, cell) ?? null));
  if (cells.length !== fields.length) {
    throw new AppError(
      'INPUT_INVALID',
      `The model takes ${fields.length} columns, the data has ${cells.length}`,
    );
  }
  return rowOfFields(signature, (field, place) => cellOf(field, cells[place] as JsonValue));
}

/** One element of a tensor along its first axis. */
function rowOfValue(signature: Signature, value: JsonValue): JsonValue {
  const { fields } = signature;
  if (fields.length === 1) return rowOfFields(signature, () => value);
  return Array.isArray(value) && value.length === fields.length ? rowOfPlaces(signature, value) : value;
}

/** The element of a tensor of one column; a table has no brackets around it. */
function unwrapped({ tensors }: Signature, field: Field, cell: JsonValue): JsonValue {
  if (tensors.declared === 'columns' || tensors.matrix !== null) return cell;
  return field.shape.length === 0 && Array.isArray(cell) && cell.length === 1 ? (cell[0] as JsonValue) : cell;
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
  const absent = fields.filter(({ name }) => !isThere(name));
  const required = absent.filter((field) => field.required);
  throw missing((required.length > 0 ? required : absent).map(({ name }) => name));
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
