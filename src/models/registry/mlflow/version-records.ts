import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isJsonObject } from '../../../kernel/json.ts';
import type { ModelVersion } from '../../model-version.ts';

/**
 * What was learnt of versions of a registry elsewhere, as files, so that a start without it serves what was served:
 * each version that was fetched, with its digest, and which version each reference meant last.
 */
export class VersionRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A version that was fetched; null when it was not. Marks it as used. */
  async fetched(model: string, number: number): Promise<ModelVersion | null> {
    const file = this.#fileOf(model, number);
    const version = await readVersion(file);
    const now = new Date();
    if (version !== null) await utimes(file, now, now).catch(() => undefined);
    return version;
  }

  async keepFetched(version: ModelVersion): Promise<void> {
    await writeWhole(this.#fileOf(version.model, version.number), version);
  }

  async forget(version: ModelVersion): Promise<void> {
    await rm(this.#fileOf(version.model, version.number), { force: true });
  }

  /** Every version that was fetched, the one used longest ago first. */
  async allFetched(): Promise<readonly ModelVersion[]> {
    const found: { readonly version: ModelVersion; readonly usedAt: number }[] = [];
    const root = path.join(this.#directory, 'versions');
    for (const name of await readdir(root, { recursive: true }).catch(() => [])) {
      const file = path.join(root, name);
      const version = name.endsWith('.json') ? await readVersion(file) : null;
      if (version !== null) found.push({ version, usedAt: (await stat(file)).mtimeMs });
    }
    return found.sort((a, b) => a.usedAt - b.usedAt).map(({ version }) => version);
  }

  /** What a reference meant when it was last asked for. */
  async meant(reference: string): Promise<ModelVersion | null> {
    return readVersion(this.#referenceFile(reference));
  }

  async keepMeant(reference: string, version: ModelVersion): Promise<void> {
    await writeWhole(this.#referenceFile(reference), version);
  }

  #fileOf(model: string, number: number): string {
    return path.join(this.#directory, 'versions', encodeURIComponent(model), `${number}.json`);
  }

  #referenceFile(reference: string): string {
    return path.join(this.#directory, 'references', `${encodeURIComponent(reference)}.json`);
  }
}

async function readVersion(file: string): Promise<ModelVersion | null> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isJsonObject(value) && typeof value['model'] === 'string'
      ? (value as unknown as ModelVersion)
      : null;
  } catch {
    return null;
  }
}

async function writeWhole(file: string, value: object): Promise<void> {
  const staged = `${file}.${process.pid}.tmp`;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(staged, JSON.stringify(value));
  await rename(staged, file);
}
