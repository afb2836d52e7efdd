import type { Datatype } from '../../contracts/oip/tensor.ts';
import type { Field } from '../../models/signature.ts';

/** Whether values of the datatype can be values of the field: any number may feed a number, and its value decides. */
export function feeds(datatype: Datatype, { type }: Field): boolean {
  if (type === 'string') return datatype === 'BYTES';
  if (type === 'bool') return datatype === 'BOOL';
  return datatype !== 'BYTES' && datatype !== 'BOOL';
}
