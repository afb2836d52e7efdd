import type { ElementType } from '../signature.ts';

/** Element types of MLflow's scalar columns (contracts, section 6) that JSON has a value for. */
export const COLUMN_TYPES: Readonly<Record<string, ElementType>> = {
  boolean: 'bool',
  integer: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
  string: 'string',
};
