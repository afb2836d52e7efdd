import { ELEMENT_TYPES, type ElementType, type Field } from '../../signature.ts';
import { COLUMN_TYPES } from '../column-types.ts';

/** MLflow's types of columns that a text stands for in JSON. */
const TEXT_COLUMNS: Readonly<Record<string, Pick<Field, 'type' | 'format' | 'description'>>> = {
  datetime: { type: 'string', format: 'date-time' },
  binary: { type: 'string', description: 'base64' },
};
/** numpy's words for texts. */
const TEXT = /^(str|object|<U\d+)$/;
const ELEMENTS: ReadonlySet<string> = new Set(ELEMENT_TYPES);

/** What a field of MLflow's column type, or of numpy's dtype, is; null where a row has no form for it. */
export function columnTypeOf(type: string): Pick<Field, 'type' | 'format' | 'description'> | null {
  const text = Object.hasOwn(TEXT_COLUMNS, type) ? TEXT_COLUMNS[type] : undefined;
  if (text !== undefined) return text;
  const column = Object.hasOwn(COLUMN_TYPES, type) ? COLUMN_TYPES[type] : undefined;
  if (column !== undefined) return { type: column };
  if (ELEMENTS.has(type)) return { type: type as ElementType };
  return TEXT.test(type) ? { type: 'string' } : null;
}

export function elementTypeOf(type: string): ElementType | null {
  return columnTypeOf(type)?.type ?? null;
}
