import { readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../kernel/errors.ts';

const PRIVATE = 0o700;

/** Directories below `parent` that only this user can read, one for each loaded model. */
export class PrivateDirectories {
  readonly #parent: string;
  readonly #prefix: string;
  #swept: Promise<void> | null = null;

  /** The names begin with `prefix`, and tell whose they are. */
  constructor(parent: string, prefix: string) {
    this.#parent = parent;
    this.#prefix = prefix;
  }

  /** Makes one; before the first, removes what servers left that ended without a chance to. */
  async make(): Promise<string> {
    this.#swept ??= this.#removeAbandoned();
    await this.#swept;
    return await mkdtemp(path.join(this.#parent, `${this.#prefix}-${processSpace()}-${process.pid}-`));
  }

  async #removeAbandoned(): Promise<void> {
    const names = await readdir(this.#parent).catch(() => []);
    for (const name of names) {
      const owner = this.#ownerOf(name);
      if (owner !== null && !isAlive(owner))
        await rm(path.join(this.#parent, name), { recursive: true, force: true });
    }
  }

  #ownerOf(name: string): number | null {
    if (!name.startsWith(`${this.#prefix}-`)) return null;
    const [, space, pid] = /^(\d+)-(\d+)-[^/]*$/.exec(name.slice(this.#prefix.length + 1)) ?? [];
    return space === processSpace() && pid !== undefined ? Number(pid) : null;
  }
}

/** Writes files below a directory; a path that would lead out of it is MODEL_UNREADABLE. */
export async function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const made = new Set<string>();
  for (const [name, content] of files) {
    const file = path.resolve(directory, name);
    if (!file.startsWith(directory + path.sep))
      throw new AppError('MODEL_UNREADABLE', `The artifact has a file outside of itself: ${name}`);
    const folder = path.dirname(file);
    if (!made.has(folder)) await mkdir(folder, { recursive: true, mode: PRIVATE });
    made.add(folder);
    await writeFile(file, content, { mode: 0o600 });
  }
}

/** Process ids mean something within one of these only: containers may share a directory. */
function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch {
    return '0';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
