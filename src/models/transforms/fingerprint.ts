import { createHash } from 'node:crypto';
import { canonicalText } from './canonical.ts';
import type { TransformSpec } from './spec.ts';

/** What a transform is, in 64 hexadecimal digits: SHA-256 over its document with the keys of each object in order. */
export function fingerprintOf(spec: TransformSpec): string {
  return createHash('sha256').update(canonicalText(spec)).digest('hex');
}
