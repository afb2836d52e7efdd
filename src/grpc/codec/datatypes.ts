import { DATATYPES, type Datatype } from '../../contracts/oip/tensor.ts';

/** The field of InferTensorContents that holds values of a type; those of half precision have none. */
export const CONTENTS_FIELD: Readonly<Record<Datatype, number | null>> = {
  BOOL: 1,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  FP16: null,
  FP32: 6,
  FP64: 7,
  BF16: null,
  BYTES: 8,
};

/** Names of those fields by their numbers. */
export const CONTENTS_NAMES = [
  '',
  'bool_contents',
  'int_contents',
  'int64_contents',
  'uint_contents',
  'uint64_contents',
  'fp32_contents',
  'fp64_contents',
  'bytes_contents',
] as const;

/** Least and greatest of the integers that travel in a field of wider ones. */
export const NARROW: Partial<Readonly<Record<Datatype, readonly [number, number]>>> = {
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  UINT8: [0, 255],
  UINT16: [0, 65_535],
};

const known: ReadonlyMap<string, Datatype> = new Map(DATATYPES.map((datatype) => [datatype, datatype]));

export function datatypeOf(text: string): Datatype | undefined {
  return known.get(text);
}
