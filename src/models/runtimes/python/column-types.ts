import { ELEMENT_TYPES, type ElementType, type Field } from '../../signature.ts';

/** MLflow's types of columns, and what stands for one in JSON. */
const COLUMN_TYPES: Readonly<Record<string, Pick<Field, 'type' | 'format' | 'description'>>> = {
  boolean: { type: 'bool' },
  integer: { type: 'int32' },
  long: { type: 'int64' },
  float: { type: 'float32' },
  double: { type: 'float64' },
  datetime: { type: 'string', format: 'date-time' },
  binary: { type: 'string', description: 'base64' },
};
/** numpy's words for texts. */
const TEXT = /^(str|object|<U\d+)$/;
const ELEMENTS: ReadonlySet<string> = new Set(ELEMENT_TYPES);

/** What a field of MLflow's column type, or of numpy's dtype, is; null where a row has no form for it. */
export function columnTypeOf(type: string): Pick<Field, 'type' | 'format' | 'description'> | null {
  const known = Object.hasOwn(COLUMN_TYPES, type) ? COLUMN_TYPES[type] : undefined;
  if (known !== undefined) return known;
  if (ELEMENTS.has(type)) return { type: type as ElementType };
  return TEXT.test(type) ? { type: 'string' } : null;
}

export function elementTypeOf(type: string): ElementType | null {
  return columnTypeOf(type)?.type ?? null;
}
