import type { JsonValue } from '../../kernel/json.ts';
import { DATATYPE_RANGES } from './datatypes.ts';
import type { Datatype, InputTensor } from './tensor.ts';

type Data = InputTensor['data'];

/**
 * The elements of a tensor's `data`, which is flat or nested as its shape, in row-major order; or what is wrong with
 * them. Null stands for a missing value.
 */
export function readTensorData(
  datatype: Datatype,
  shape: readonly number[],
  data: readonly JsonValue[],
): Data | string {
  if (datatype === 'FP16' || datatype === 'BF16') return `is ${datatype}, which is sent as binary data only`;
  const flat = Array.isArray(data[0]) ? flatten(data, shape) : data;
  if (flat === null) return 'has data that is nested otherwise than its shape says';
  const isElement = ELEMENT_TESTS[datatype];
  let wrong = 0;
  let first = 0;
  for (let i = flat.length - 1; i >= 0; i--) {
    const value = flat[i] as JsonValue;
    if (value === null || isElement(value)) continue;
    wrong++;
    first = i;
  }
  if (wrong > 0)
    return `has ${wrong === 1 ? 'a value that is' : `${wrong} values that are`} no ${datatype}, ${wrong === 1 ? '' : 'the first '}at place ${first}`;
  return datatype === 'BOOL' ? flat.map((value) => (value === null ? null : Boolean(value))) : (flat as Data);
}

type ElementTest = (value: JsonValue) => boolean;

const isNumber: ElementTest = (value) => typeof value === 'number';
const isBoolean: ElementTest = (value) => typeof value === 'boolean' || value === 0 || value === 1;

const ELEMENT_TESTS: Record<Exclude<Datatype, 'FP16' | 'BF16'>, ElementTest> = {
  BOOL: isBoolean,
  UINT8: integer('UINT8'),
  UINT16: integer('UINT16'),
  UINT32: integer('UINT32'),
  UINT64: integer('UINT64'),
  INT8: integer('INT8'),
  INT16: integer('INT16'),
  INT32: integer('INT32'),
  INT64: integer('INT64'),
  FP32: isNumber,
  FP64: isNumber,
  BYTES: (value) => typeof value === 'string',
};

/** Of 64 bits those that JSON carries exactly. */
function integer(datatype: keyof typeof DATATYPE_RANGES): ElementTest {
  const [least, most] = DATATYPE_RANGES[datatype];
  return (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

/** Null where the nesting is not that of the shape: values would come to lie in other rows than they were sent in. */
function flatten(data: readonly JsonValue[], shape: readonly number[]): readonly JsonValue[] | null {
  const flat: JsonValue[] = [];
  const last = shape.length - 1;
  const visit = (list: readonly JsonValue[], axis: number): boolean => {
    if (list.length !== shape[axis]) return false;
    for (const item of list) {
      if (axis === last) {
        if (Array.isArray(item)) return false;
        flat.push(item);
      } else if (!Array.isArray(item) || !visit(item, axis + 1)) return false;
    }
    return true;
  };
  return last >= 0 && visit(data, 0) ? flat : null;
}
