import type { InputTensor } from '../../contracts/oip/tensor.ts';
import type { FieldProblem } from '../../kernel/errors.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { compileRecordCheck } from '../../models/record-check.ts';
import { describeField, type Field, type Signature } from '../../models/signature.ts';
import { requireRows } from '../../serving/row.ts';
import { exactValue, LOSSY } from '../coercion.ts';
import { feeds } from './feeds.ts';

/** The rows that the tensors of a request are, or what is wrong with the tensors. */
export type RowsRead =
  | { readonly rows: readonly JsonValue[]; readonly problems: null }
  | { readonly rows: null; readonly problems: readonly FieldProblem[] };

/** Fails with BODY_TOO_LARGE past so many rows. */
export type ReadRows = (inputs: readonly InputTensor[], maxRows: number) => RowsRead;

/** Where the values of a field lie: those of a row one after the other from `offset` on, rows `stride` apart. */
interface Column {
  readonly field: Field;
  readonly tensor: InputTensor;
  readonly offset: number;
  readonly stride: number;
  /** Shape of one row's value; null for a scalar. */
  readonly shape: readonly number[] | null;
}

const MAX_PROBLEMS = 100;
const NAMED_UNKNOWN = 5;
const NAME_LENGTH = 64;

/**
 * Made once per version. A field is a tensor of its name with a row's value on each place of the first axis; of a bare
 * matrix all fields may come side by side in one tensor of the graph's name.
 */
export function compileReadRows({ fields, tensors: { matrix } }: Signature): ReadRows {
  const places = new Map(fields.map((field, place) => [field.name, place]));

  return (inputs, maxRows) => {
    const problems: FieldProblem[] = [];
    const columns = new Array<Column | undefined>(fields.length);
    let rowCount = -1;
    let first = '';
    let unknown = 0;
    for (const tensor of inputs) {
      if (problems.length >= MAX_PROBLEMS) return { rows: null, problems };
      const path = tensor.name.slice(0, NAME_LENGTH);
      const place = places.get(tensor.name);
      const isMatrix = place === undefined && tensor.name === matrix?.name;
      if (place === undefined && !isMatrix) {
        if (++unknown <= NAMED_UNKNOWN) problems.push({ path, message: 'is not an input of this model' });
        continue;
      }
      const filled = isMatrix ? fields : [fields[place as number] as Field];
      const fault =
        faultOf(tensor, filled, isMatrix) ??
        (filled.some((field) => columns[places.get(field.name) as number] !== undefined)
          ? { message: isMatrix ? 'has values of inputs that are there by name' : 'is there twice' }
          : null);
      if (fault !== null) {
        problems.push({ path, ...fault });
        if (!isMatrix) columns[place as number] ??= unreadable(filled[0] as Field, tensor);
        else
          for (const field of fields) columns[places.get(field.name) as number] ??= unreadable(field, tensor);
        continue;
      }
      const rows = tensor.shape[0] as number;
      if (rowCount === -1) {
        rowCount = rows;
        first = path;
      } else if (rows !== rowCount) {
        problems.push({ path, message: `has ${rows} rows, and ${first} has ${rowCount}` });
      }
      if (isMatrix) {
        for (let i = 0; i < fields.length; i++)
          columns[i] = { field: fields[i] as Field, tensor, offset: i, stride: fields.length, shape: null };
      } else columns[place as number] = columnOf(filled[0] as Field, tensor);
    }
    if (unknown > NAMED_UNKNOWN)
      problems.push({
        path: '',
        message: `and ${unknown - NAMED_UNKNOWN} more inputs that this model does not have`,
      });
    problems.push(...missing(fields, columns, matrix?.name ?? null));
    if (problems.length > 0) {
      const sound = columns.filter((column) => column?.tensor.shape[0] === rowCount && column.stride > 0);
      const others =
        rowCount <= 0 || rowCount > maxRows ? [] : faultsOfValues(sound as readonly Column[], rowCount);
      return { rows: null, problems: [...problems, ...others].slice(0, MAX_PROBLEMS) };
    }
    if (rowCount <= 0) return { rows: null, problems: [{ path: '', message: 'has no rows' }] };
    requireRows(rowCount, maxRows);
    const present = columns.filter((column) => column !== undefined);
    return buildRows(present, rowCount);
  };
}

/** Stands for the field of a tensor that has a fault, so that it is not called missing too. */
function unreadable(field: Field, tensor: InputTensor): Column {
  return { field, tensor, offset: 0, stride: 0, shape: null };
}

function columnOf(field: Field, tensor: InputTensor): Column {
  const shape = field.shape.length === 0 ? null : tensor.shape.slice(1);
  const stride = shape === null ? 1 : shape.reduce((product, size) => product * size, 1);
  return { field, tensor, offset: 0, stride, shape };
}

function missing(
  fields: readonly Field[],
  columns: readonly (Column | undefined)[],
  matrix: string | null,
): readonly FieldProblem[] {
  if (matrix !== null && columns.every((column) => column === undefined))
    return [{ path: matrix, message: 'is missing' }];
  return fields
    .filter((field, place) => field.required && columns[place] === undefined)
    .map((field) => ({ path: field.name, message: 'is missing', expected: describeField(field) }));
}

type Fault = Omit<FieldProblem, 'path'>;

function faultOf(tensor: InputTensor, fields: readonly Field[], isMatrix: boolean): Fault | null {
  const { datatype, shape, data } = tensor;
  const [only] = fields as [Field];
  const unfed = fields.find((field) => !feeds(datatype, field));
  if (unfed !== undefined) {
    const column = isMatrix ? ` of column ${unfed.name}` : '';
    return { message: `has the wrong datatype${column}`, expected: describeField(unfed), got: datatype };
  }
  let size = 1;
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0)
      return { message: 'has a dimension that is negative or no whole number', got: textOfShape(shape) };
    size *= length;
  }
  if (!Number.isSafeInteger(size))
    return { message: 'has a shape that is too large', got: textOfShape(shape) };
  // Of any number of them nothing would be there to see: what is built must not be larger than what was sent.
  if (shape.indexOf(0, 1) !== -1) return { message: 'has a dimension of 0', got: textOfShape(shape) };
  const wanted = isMatrix ? [-1, fields.length] : [-1, ...(only.shape.length === 0 ? [1] : only.shape)];
  if (!fits(shape, wanted, !isMatrix && only.shape.length === 0))
    return { message: 'has the wrong shape', expected: textOfShape(wanted), got: textOfShape(shape) };
  if (data.length !== size)
    return { message: `has ${data.length} values, and its shape ${textOfShape(shape)} says ${size}` };
  return null;
}

/** A scalar has one value a row, on as many further axes of length 1 as the caller likes. */
function fits(shape: readonly number[], wanted: readonly number[], isScalar: boolean): boolean {
  if (isScalar) {
    for (let axis = 1; axis < shape.length; axis++) if (shape[axis] !== 1) return false;
    return shape.length > 0;
  }
  if (shape.length !== wanted.length) return false;
  for (let axis = 1; axis < shape.length; axis++)
    if (wanted[axis] !== -1 && shape[axis] !== wanted[axis]) return false;
  return true;
}

const SHOWN_AXES = 8;

function textOfShape(shape: readonly number[]): string {
  const shown = shape.slice(0, SHOWN_AXES).join(', ');
  return shape.length > SHOWN_AXES ? `[${shown}, …]` : `[${shown}]`;
}

/** What is wrong with values beside tensors that are wrong as a whole, so that one answer names everything. */
function faultsOfValues(columns: readonly Column[], rowCount: number): readonly FieldProblem[] {
  if (columns.length === 0) return [];
  const { rows, problems } = buildRows(columns, rowCount);
  if (rows === null) return problems;
  const check = compileRecordCheck({ fields: columns.map(({ field }) => field) });
  const found: FieldProblem[] = [];
  for (let row = 0; row < rowCount && found.length < MAX_PROBLEMS; row++)
    found.push(...check.problems(rows[row], rowCount === 1 ? '' : `[${row}].`));
  return found;
}

function buildRows(columns: readonly Column[], rowCount: number): RowsRead {
  const rows = new Array<JsonValue>(rowCount);
  const problems: FieldProblem[] = [];
  const lossy = new Set<Field>();
  let column = columns[0] as Column;
  const valueAt = (at: number): JsonValue => {
    const value = exactValue(column.field, column.tensor.data[at]);
    if (value !== LOSSY) return value;
    const expected = describeField(column.field);
    lossy.add(column.field);
    if (problems.length < MAX_PROBLEMS)
      problems.push({ path: `${column.tensor.name}[${at}]`, message: lossOf(column.field), expected });
    return null;
  };
  for (let row = 0; row < rowCount; row++) {
    const record: Record<string, JsonValue> = {};
    for (let i = 0; i < columns.length; i++) {
      column = columns[i] as Column;
      const at = row * column.stride + column.offset;
      record[column.field.name] = column.shape === null ? valueAt(at) : nested(column.shape, at, valueAt);
    }
    rows[row] = record;
  }
  if (problems.length === 0) return { rows, problems: null };
  const sound = columns.filter(({ field }) => !lossy.has(field));
  return { rows: null, problems: [...problems, ...faultsOfValues(sound, rowCount)].slice(0, MAX_PROBLEMS) };
}

function nested(shape: readonly number[], from: number, valueAt: (at: number) => JsonValue): JsonValue {
  let at = from;
  const nest = (axis: number): JsonValue =>
    axis === shape.length
      ? valueAt(at++)
      : Array.from({ length: shape[axis] as number }, () => nest(axis + 1));
  return nest(0);
}

function lossOf({ type }: Field): string {
  return type === 'string' ? 'is not UTF-8' : 'is beyond 2^53, where numbers are not exact';
}
