import { documentOf, type TransformSpec } from './spec.ts';

/** The document of a transform as one text, the keys of each object in order: what its fingerprint is taken of. */
export function canonicalText(spec: TransformSpec): string {
  return canonical(documentOf(spec));
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}
