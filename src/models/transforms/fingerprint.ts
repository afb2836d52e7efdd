import { createHash } from 'node:crypto';
import { documentOf, type TransformSpec } from './spec.ts';

/** What a transform is, in 64 hexadecimal digits: SHA-256 over its document with the keys of each object in order. */
export function fingerprintOf(spec: TransformSpec): string {
  return createHash('sha256')
    .update(canonical(documentOf(spec)))
    .digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}
