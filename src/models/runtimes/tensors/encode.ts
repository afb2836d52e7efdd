import { toFloat16Bits } from '../../../kernel/float16.ts';
import type { JsonValue } from '../../../kernel/json.ts';
import type { InputRecord } from '../../record-check.ts';
import type { RowTable, TableColumn } from '../../row-table.ts';
import { ELEMENT_TYPES, type ElementType, type Field } from '../../signature.ts';
import { NUMBER_ARRAYS } from '../number-arrays.ts';
import { shapeOf } from '../value-shape.ts';
import type { TensorPlan } from './bind-inputs.ts';

/** What onnxruntime takes as the content of a tensor. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | string[];

export interface EncodedTensor {
  readonly data: TensorData;
  readonly dims: readonly number[];
}

type Row = Record<string, JsonValue | undefined>;

/**
 * Rows of one shape → the content of one tensor, row-major. Typed arrays are reused from call to call, so a result is
 * good until the next call. `missingText` is what the graph takes for a missing text.
 */
export function compileEncoder(
  plan: TensorPlan,
  missingText = '',
): (rows: readonly InputRecord[]) => EncodedTensor {
  const [only = ''] = plan.fields;
  const isScalarRow = plan.rowShape.every((size) => size === 1);
  return plan.fields.length === 1 && !isScalarRow
    ? arrayEncoder(plan, only)
    : scalarEncoder(plan, missingText);
}

/**
 * Vectors of all fields, one after the other → the content of one tensor. A tensor that is all of the fields is the
 * vectors themselves. Good until the next call, and until the vectors change.
 */
export function compileVectorEncoder(
  { type, rowShape, fields: own }: TensorPlan,
  fields: readonly Field[],
): (vectors: Float32Array, count: number) => EncodedTensor {
  const stride = fields.length;
  const isWhole = type === 'float32' && own.length === stride;
  if (isWhole) return (data, count) => ({ data, dims: [count, ...rowShape] });
  const width = own.length;
  const places = own.map((name) => fields.findIndex((field) => field.name === name));
  const buffer = reusable(type);
  return (vectors, count) => {
    const data = buffer(count * width);
    const write = compileWrite(type, data);
    for (let row = 0; row < count; row++)
      for (let column = 0; column < width; column++)
        write(row * width + column, vectors[row * stride + (places[column] as number)] as number);
    return { data, dims: [count, ...rowShape] };
  };
}

/** Columns → the content of one tensor of scalar fields. Good until the next call. */
export function compileTableEncoder(
  { type, rowShape, fields: own }: TensorPlan,
  fields: readonly Field[],
  missingText = '',
): (table: RowTable) => EncodedTensor {
  const width = own.length;
  const places = own.map((name) => fields.findIndex((field) => field.name === name));
  const buffer = reusable(type);
  return ({ columns, length }) => {
    const data = buffer(length * width);
    const write = compileWrite(type, data);
    places.forEach((place, at) => {
      const column = columns[place] as TableColumn;
      if (width === 1 && column instanceof Float64Array && CONVERTED_WHOLE.has(type))
        (data as Float64Array).set(column);
      else for (let row = 0; row < length; row++) write(row * width + at, column[row] ?? missingText);
    });
    return { data, dims: [length, ...rowShape] };
  };
}

/** What a typed array itself makes of checked numbers. */
const CONVERTED_WHOLE: ReadonlySet<ElementType> = new Set(
  ELEMENT_TYPES.filter((type) => !['string', 'int64', 'uint64', 'float16'].includes(type)),
);

function scalarEncoder(
  { type, rowShape, fields }: TensorPlan,
  missingText: string,
): (rows: readonly InputRecord[]) => EncodedTensor {
  const width = fields.length;
  const buffer = reusable(type);
  return (rows) => {
    const data = buffer(rows.length * width);
    for (let column = 0; column < width; column++) {
      const name = fields[column] as string;
      if (type === 'string')
        fillTexts(data as string[], rows as readonly Row[], name, [column, width], missingText);
      else fillColumn(type, data, rows as readonly Row[], name, column, width);
    }
    return { data, dims: [rows.length, ...rowShape] };
  };
}

function arrayEncoder(
  { type, rowShape }: TensorPlan,
  field: string,
): (rows: readonly InputRecord[]) => EncodedTensor {
  const buffer = reusable(type);
  return (rows) => {
    const first = (rows[0] as Row)[field] ?? null;
    const shape = rowShape.includes(-1) ? shapeOf(first) : rowShape;
    const size = shape.reduce((product, n) => product * n, 1);
    const data = buffer(rows.length * size);
    const write = compileWrite(type, data);
    for (let row = 0; row < rows.length; row++) {
      let at = row * size;
      const visit = (value: JsonValue): void => {
        if (Array.isArray(value)) for (const item of value) visit(item);
        else write(at++, value);
      };
      visit((rows[row] as Row)[field] ?? null);
    }
    return { data, dims: [rows.length, ...shape] };
  };
}

/** One loop a kind of element, so that each stays monomorphic: this is the hot path of every prediction. */
function fillColumn(
  type: ElementType,
  data: TensorData,
  rows: readonly Row[],
  name: string,
  column: number,
  width: number,
): void {
  if (type === 'float32') {
    const floats = data as Float32Array;
    for (let row = 0; row < rows.length; row++)
      floats[row * width + column] = numberOf((rows[row] as Row)[name]);
  } else if (type === 'int64') {
    const longs = data as BigInt64Array;
    for (let row = 0; row < rows.length; row++)
      longs[row * width + column] = BigInt(numberOf((rows[row] as Row)[name]));
  } else {
    const write = compileWrite(type, data);
    for (let row = 0; row < rows.length; row++) write(row * width + column, (rows[row] as Row)[name] ?? null);
  }
}

function fillTexts(
  texts: string[],
  rows: readonly Row[],
  name: string,
  [column, width]: readonly [number, number],
  missing: string,
): void {
  for (let row = 0; row < rows.length; row++) {
    const value = (rows[row] as Row)[name];
    texts[row * width + column] = typeof value === 'string' ? value : missing;
  }
}

function compileWrite(type: ElementType, data: TensorData): (at: number, value: JsonValue) => void {
  if (type === 'string') {
    const strings = data as string[];
    return (at, value) => {
      strings[at] = typeof value === 'string' ? value : '';
    };
  }
  if (type === 'int64' || type === 'uint64') {
    const longs = data as BigInt64Array;
    return (at, value) => {
      longs[at] = BigInt(numberOf(value));
    };
  }
  const numbers = data as Float64Array;
  const convert = type === 'float16' ? (value: JsonValue) => toFloat16Bits(numberOf(value)) : numberOf;
  return (at, value) => {
    numbers[at] = convert(value);
  };
}

/** A missing number is NaN; the check before has made sure that the model takes one. */
function numberOf(value: JsonValue | undefined): number {
  if (typeof value === 'number') return value;
  return typeof value === 'boolean' ? Number(value) : Number.NaN;
}

function reusable(type: ElementType): (length: number) => TensorData {
  if (type === 'string') return (length) => new Array<string>(length);
  const create = NUMBER_ARRAYS[type];
  let held: Exclude<TensorData, string[]> = new create(64);
  return (length) => {
    if (held.length < length) held = new create(Math.max(length, held.length * 2));
    return held.subarray(0, length);
  };
}
