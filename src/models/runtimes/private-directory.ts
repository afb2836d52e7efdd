import { readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../kernel/errors.ts';

const PREFIX = 'slipway-python';
const PRIVATE = 0o700;

/** Makes a directory below `parent` that only this user can read. Its name tells whose it is, for `removeAbandoned`. */
export function makePrivateDirectory(parent: string): Promise<string> {
  return mkdtemp(path.join(parent, `${PREFIX}-${processSpace()}-${process.pid}-`));
}

/** Removes what servers left that ended without a chance to. */
export async function removeAbandoned(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const owner = ownerOf(name);
    if (owner !== null && !isAlive(owner))
      await rm(path.join(parent, name), { recursive: true, force: true });
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

function ownerOf(name: string): number | null {
  const [, space, pid] = /^slipway-python-(\d+)-(\d+)-[^/]*$/.exec(name) ?? [];
  return space === processSpace() && pid !== undefined ? Number(pid) : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
