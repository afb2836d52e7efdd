import { datatypeOf } from '../../datatype-of.ts';
import { ELEMENT_TYPES, type ElementType } from '../../signature.ts';
import { COLUMN_TYPES } from '../column-types.ts';
import type { DeclaredInput } from '../runtime.ts';

/** A tensor as the metadata of a server describes it. */
export interface DescribedTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** NumPy's words for texts. */
const TEXTS = new Set(['str', 'object', 'bytes']);

/**
 * The tensors of a signature of MLflow, for a server that describes none: a column is a tensor of one value a row, and what
 * has no name is called as KServe and MLServer call it, `prefix` and its place.
 */
export function tensorsOf(declared: readonly DeclaredInput[], prefix: string): readonly DescribedTensor[] {
  return declared.map(({ name, type, shape }, place) => ({
    name: name ?? `${prefix}${place}`,
    datatype: datatypeNamed(shape === null ? COLUMN_TYPES[type] : dtypeOf(type)) ?? type,
    shape: shape ?? [-1, 1],
  }));
}

/** Whether rows are meant as those of a table. */
export function isTable(declared: readonly DeclaredInput[]): boolean {
  return declared.some(({ shape }) => shape === null);
}

function datatypeNamed(type: ElementType | undefined): string | undefined {
  return type === undefined ? undefined : datatypeOf(type);
}

function dtypeOf(dtype: string): ElementType | undefined {
  return TEXTS.has(dtype) ? 'string' : ELEMENT_TYPES.find((type) => type === dtype);
}
