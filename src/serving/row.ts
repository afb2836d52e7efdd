import { AppError } from '../kernel/errors.ts';
import { isJsonObject, type JsonValue } from '../kernel/json.ts';
import type { Signature } from '../models/signature.ts';

/**
 * One row of a request as an object of fields: an array is read as the fields in order where the model is a bare
 * matrix, or as the value of its only field. What is neither is handed on, for the check to refuse.
 */
export function rowOf(signature: Signature, value: JsonValue): JsonValue {
  if (!Array.isArray(value) || !signature.acceptsArray) return value;
  const { fields } = signature;
  const [only] = fields;
  if (fields.length === 1 && only !== undefined && only.shape.length > 0) return { [only.name]: value };
  if (value.length !== fields.length) return value;
  const row: Record<string, JsonValue> = {};
  for (let i = 0; i < fields.length; i++) row[(fields[i] as { name: string }).name] = value[i] as JsonValue;
  return row;
}

/** Whether a single request's body is the wrapped form, `{"features": …}`, for a model of this signature. */
export function isWrapped(signature: Signature, body: JsonValue): body is { readonly features: JsonValue } {
  if (!isJsonObject(body) || !Object.hasOwn(body, 'features')) return false;
  if (signature.fields.some((field) => field.name === 'features')) return false;
  return isJsonObject(body['features']) || Array.isArray(body['features']);
}

/** BODY_TOO_LARGE past so many rows in one request. */
export function requireRows(count: number, most: number): void {
  if (count > most) throw new AppError('BODY_TOO_LARGE', `${count} rows in one request; the most is ${most}`);
}
