import type { Datatype } from '../contracts/oip/tensor.ts';
import type { ElementType } from './signature.ts';

const DATATYPE_OF: Record<ElementType, Datatype> = {
  bool: 'BOOL',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
};

export function datatypeOf(type: ElementType): Datatype {
  return DATATYPE_OF[type];
}

const ELEMENT_TYPE_OF = new Map(
  Object.entries(DATATYPE_OF).map(([type, datatype]) => [datatype, type as ElementType]),
);

/** Null for BF16, which no field has. */
export function elementTypeOf(datatype: Datatype): ElementType | null {
  return ELEMENT_TYPE_OF.get(datatype) ?? null;
}
