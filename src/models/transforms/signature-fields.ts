import type { Field } from '../signature.ts';
import { allowedCategories } from './compile.ts';
import type { RawField, TransformSpec } from './spec.ts';

const TYPES = {
  number: 'float64',
  integer: 'int64',
  boolean: 'bool',
  string: 'string',
  datetime: 'string',
} as const;

/** The raw fields as the signature of the version that the transform belongs to. */
export function fieldsOf(spec: TransformSpec): readonly Field[] {
  const allowed = allowedCategories(spec);
  return spec.fields.map((field) => toField(field, allowed.get(field.name)));
}

function toField(field: RawField, categories: readonly string[] | undefined): Field {
  const optional = !field.required || field.default !== undefined;
  return {
    name: field.name,
    type: TYPES[field.type],
    shape: [],
    required: !optional,
    nullable: optional,
    ...(field.minimum !== undefined && { minimum: field.minimum }),
    ...(field.maximum !== undefined && { maximum: field.maximum }),
    ...(field.type === 'datetime' && { format: 'date-time' as const }),
    ...(categories !== undefined && { oneOf: categories }),
    ...(field.unit !== undefined && { unit: field.unit }),
    ...(field.description !== undefined && { description: field.description }),
  };
}
