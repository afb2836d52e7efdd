import type { JsonValue } from '../../kernel/json.ts';
import type { Field } from '../../models/signature.ts';

/** What cannot become a value of the field without losing something. */
export const LOSSY = Symbol('lossy');

/**
 * An element of a tensor as the field's value, whatever its datatype: NaN and null are a missing value where the field
 * takes one. Whether it fits the field otherwise (whole, in range, of the right kind) is for the record's check to say.
 */
export function fieldValue(
  value: number | bigint | boolean | string | Uint8Array | null,
  { nullable }: Field,
): JsonValue | typeof LOSSY {
  if (typeof value === 'number') return nullable && Number.isNaN(value) ? null : value;
  if (typeof value === 'bigint') {
    const near = Number(value);
    return Number.isSafeInteger(near) ? near : LOSSY;
  }
  return value instanceof Uint8Array ? LOSSY : value;
}
