import { toFloat16Bits } from '../../../kernel/float16.ts';
import type { JsonValue } from '../../../kernel/json.ts';
import type { InputRecord } from '../../record-check.ts';
import type { ElementType, Field } from '../../signature.ts';
import { NUMBER_ARRAYS } from '../number-arrays.ts';

/** Rows as the worker takes them: the JSON text of `columns`, and the body with the raw ones. */
export interface EncodedColumns {
  readonly columns: string;
  readonly body: Uint8Array;
}

export interface ColumnEncoder {
  /** Rows that passed the check. The body is good until the next call. */
  encode(rows: readonly InputRecord[]): EncodedColumns;
  /** The same for rows of scalar numbers that lie ready, row by row in the order of the fields. */
  encodeVectors(vectors: Float32Array, count: number): EncodedColumns;
}

type Row = Readonly<Record<string, JsonValue | undefined>>;
type NumericType = Exclude<ElementType, 'string'>;
type Numbers = Float64Array | Float32Array | Int32Array | BigInt64Array;

const ALIGNMENT = 8;

/**
 * Encodes the fields of one signature: scalar numbers as raw columns, little-endian and each beginning at a multiple of
 * eight, with NaN for what is missing; arrays of a fixed shape likewise, with their shape; texts, arrays of any length
 * and whole numbers some of which are missing as JSON.
 */
export function compileColumns(fields: readonly Field[]): ColumnEncoder {
  const plans = fields.map((field) => ({
    ...field,
    head: `{"name":${JSON.stringify(field.name)},"type":"${field.type}"`,
  }));
  let buffer = new ArrayBuffer(1024);
  let at = 0;

  /** Room for a column; what was written before stays. */
  function room(type: NumericType, length: number): Numbers {
    const bytes = length * NUMBER_ARRAYS[type].BYTES_PER_ELEMENT;
    const end = at + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    if (end > buffer.byteLength) {
      const larger = new ArrayBuffer(Math.max(end, buffer.byteLength * 2));
      new Uint8Array(larger).set(new Uint8Array(buffer, 0, at));
      buffer = larger;
    }
    const column = new NUMBER_ARRAYS[type](buffer, at, length);
    at = end;
    return column as Numbers;
  }

  function column(field: (typeof plans)[number], rows: readonly InputRecord[]): string {
    const { name, type, shape, head } = field;
    const size = shape.reduce((product, n) => product * n, 1);
    if (type === 'string' || size < 0) return asJson(head, name, rows);
    const offset = at;
    const values = room(type, rows.length * size);
    const isWhole =
      shape.length === 0
        ? fillScalars(type, values, rows as readonly Row[], name)
        : fillArrays(type, values, rows as readonly Row[], name, size);
    if (!isWhole) {
      at = offset;
      return asJson(head, name, rows);
    }
    const shaped = shape.length === 0 ? '' : `,"shape":[${shape.join(',')}]`;
    return `${head},"offset":${offset},"bytes":${values.byteLength}${shaped}}`;
  }

  return {
    encode(rows) {
      at = 0;
      let columns = '';
      for (const plan of plans) columns += `${columns === '' ? '' : ','}${column(plan, rows)}`;
      return { columns: `[${columns}]`, body: new Uint8Array(buffer, 0, at) };
    },
    encodeVectors(vectors, count) {
      at = 0;
      const stride = plans.length;
      const columns = plans.map(({ type, head }, place) => {
        const offset = at;
        const values = room(type as NumericType, count);
        const convert = converter(type);
        for (let row = 0; row < count; row++)
          values[row] = convert(vectors[row * stride + place] as number) as never;
        return `${head},"offset":${offset},"bytes":${values.byteLength}}`;
      });
      return { columns: `[${columns.join(',')}]`, body: new Uint8Array(buffer, 0, at) };
    },
  };
}

function asJson(head: string, name: string, rows: readonly InputRecord[]): string {
  return `${head},"values":${JSON.stringify((rows as readonly Row[]).map((row) => row[name] ?? null))}}`;
}

/** Whether each value has a place in the array: whole numbers have none for a missing one. One loop for the commonest. */
function fillScalars(type: NumericType, values: Numbers, rows: readonly Row[], name: string): boolean {
  if (type === 'float64' || type === 'float32') {
    for (let row = 0; row < rows.length; row++) {
      const value = (rows[row] as Row)[name];
      values[row] = typeof value === 'number' ? value : Number.NaN;
    }
    return true;
  }
  const convert = converter(type);
  for (let row = 0; row < rows.length; row++) {
    const value = (rows[row] as Row)[name] ?? null;
    if (value === null && type !== 'float16') return false;
    values[row] = convert(value) as never;
  }
  return true;
}

function fillArrays(
  type: NumericType,
  values: Numbers,
  rows: readonly Row[],
  name: string,
  size: number,
): boolean {
  const convert = converter(type);
  const takesMissing = type.startsWith('float');
  for (let row = 0; row < rows.length; row++) {
    let place = row * size;
    const end = place + size;
    const visit = (value: JsonValue): boolean => {
      if (Array.isArray(value)) return value.every(visit);
      if (place === end || (value === null && !takesMissing)) return false;
      values[place++] = convert(value) as never;
      return true;
    };
    const value = (rows[row] as Row)[name] ?? null;
    if (!visit(value) || place !== end) return false;
  }
  return true;
}

function converter(type: ElementType): (value: JsonValue) => number | bigint {
  const numberOf = (value: JsonValue): number => {
    if (typeof value === 'number') return value;
    return typeof value === 'boolean' ? Number(value) : Number.NaN;
  };
  if (type === 'int64' || type === 'uint64') return (value) => BigInt(numberOf(value));
  if (type === 'float16') return (value) => toFloat16Bits(numberOf(value));
  return numberOf;
}
