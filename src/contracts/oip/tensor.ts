/** Tensors of the Open Inference Protocol V2 (github.com/kserve/open-inference-protocol), as callers and other servers send them. */
export const DATATYPES = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BF16',
  'BYTES',
] as const;
export type Datatype = (typeof DATATYPES)[number];

export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** Elements in row-major order. Integers of 64 bits are numbers where those are exact, else bigints; BYTES are texts, or bytes that are no UTF-8. */
export type TensorValues = ArrayLike<number | bigint | boolean | string | Uint8Array>;

export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorValues;
  readonly parameters?: Parameters;
}

/** A tensor of a request. Null, which JSON can say and raw bytes cannot, is a missing value. */
export interface InputTensor extends Omit<Tensor, 'data'> {
  readonly data: ArrayLike<number | bigint | boolean | string | Uint8Array | null>;
}
