import { createHash } from 'node:crypto';
import type { ArtifactFile } from './model-version.ts';

/** Files by path with their SHA-256, and one digest over that list. */
export function digestOf(files: ReadonlyMap<string, Uint8Array>): {
  readonly digest: string;
  readonly files: readonly ArtifactFile[];
} {
  const list = [...files]
    .map(([name, content]) => ({ path: name, sha256: sha256(content), bytes: content.byteLength }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const digest = sha256(Buffer.from(list.map((file) => `${file.sha256}  ${file.path}\n`).join('')));
  return { digest: `sha256:${digest}`, files: list };
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
