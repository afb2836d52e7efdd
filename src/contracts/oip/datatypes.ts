import type { Datatype } from './tensor.ts';

/** Bytes of an element; null for BYTES, whose elements have lengths of their own. */
export const ELEMENT_BYTES: Readonly<Record<Datatype, number | null>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BF16: 2,
  BYTES: null,
};

const FLOATS: ReadonlySet<Datatype> = new Set(['FP16', 'FP32', 'FP64', 'BF16']);

export function isFloat(datatype: Datatype): boolean {
  return FLOATS.has(datatype);
}

/** The integers that a datatype has and a JSON number carries exactly, inclusive. */
export const DATATYPE_RANGES = {
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 4_294_967_295],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-2_147_483_648, 2_147_483_647],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
} as const;
