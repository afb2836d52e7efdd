import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import { digestOf } from '../../digest.ts';
import type { ModelVersion } from '../../model-version.ts';
import type { VersionArtifact } from '../registry.ts';
import { pinnedFacts } from './complete-artifact.ts';
import { readArtifact } from './read-artifact.ts';

type Place = Pick<ModelVersion, 'model' | 'digest'>;

/** Completed artifacts, each in a directory of its own that is named by its digest and is whole or not there. */
export class ArtifactDirectory {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes the files once; STORE_UNAVAILABLE when that cannot be done. */
  async write(place: Place, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const target = this.pathOf(place);
    const staging = path.join(this.#directory, '.incoming', randomUUID());
    try {
      for (const [file, content] of files) {
        const to = path.join(staging, file);
        await mkdir(path.dirname(to), { recursive: true });
        await writeFile(to, content);
      }
      await mkdir(path.dirname(target), { recursive: true });
      await rename(staging, target);
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return;
      throw new AppError(
        'STORE_UNAVAILABLE',
        `The registry directory cannot be written: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** Reads a version and compares it with what was registered; DIGEST_MISMATCH names the file that differs. */
  async read(version: ModelVersion): Promise<VersionArtifact> {
    const artifact = await readArtifact(this.pathOf(version), {
      registry: version.registry,
      digest: version.digest,
    });
    const found = digestOf(artifact.files);
    if (found.digest !== version.digest)
      throw new AppError('DIGEST_MISMATCH', differingFile(version, found.files));
    return { version, artifact, ...pinnedFacts(artifact) };
  }

  async remove(place: Place): Promise<void> {
    await rm(this.pathOf(place), { recursive: true, force: true });
  }

  pathOf({ model, digest }: Place): string {
    const folder = (digest ?? '').replace('sha256:', '').slice(0, 16);
    return path.join(this.#directory, encodeURIComponent(model), folder);
  }
}

function differingFile(version: ModelVersion, found: ModelVersion['files']): string {
  const registered = new Map(version.files.map((file) => [file.path, file]));
  for (const file of found) {
    if (!isDeepStrictEqual(registered.get(file.path), file))
      return `${file.path} is not the file that was registered as ${version.model}/${version.number}`;
    registered.delete(file.path);
  }
  return `${[...registered.keys()].join(', ')} of ${version.model}/${version.number} is missing`;
}
