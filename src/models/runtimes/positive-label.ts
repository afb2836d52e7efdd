import type { Label } from '../signature.ts';

/** Of 0/1 and false/true the greater one is positive; of names nobody knows, unless it is declared. */
export function positiveOf(labels: readonly Label[] | null, declared: Label | null): Label | null {
  if (labels?.length !== 2) return null;
  if (declared !== null) return labels.includes(declared) ? declared : null;
  const second = labels[1] ?? null;
  return typeof second === 'string' ? null : second;
}
