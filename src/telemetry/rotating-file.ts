import { closeSync, fstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface RotatingFileOptions {
  readonly path: string;
  /** Past this size the file becomes `<path>.1`, that one `<path>.2`, and so on. */
  readonly maxBytes: number;
  /** How many old files are kept. */
  readonly keep: number;
}

/**
 * A file of lines, written synchronously, so that a line is with the operating system when `append` returns.
 * Several processes may append to the same file: whoever finds it too large renames it, and the others, who
 * then see a small file under the name, open that one.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #descriptor: number | null = null;
  #bytes = 0;
  #torn = false;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  /** Writes the whole line, which ends in a newline; throws when the disk does not take it. */
  append(line: string): void {
    if (this.#descriptor !== null && this.#bytes >= this.#options.maxBytes) this.#rotate();
    this.#descriptor ??= this.#open();
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#descriptor, bytes, written);
      this.#torn = false;
    } catch (thrown) {
      this.#torn ||= written > 0;
      this.close();
      throw thrown;
    } finally {
      this.#bytes += written;
    }
  }

  close(): void {
    if (this.#descriptor === null) return;
    const descriptor = this.#descriptor;
    this.#descriptor = null;
    closeSync(descriptor);
  }

  #open(): number {
    mkdirSync(dirname(this.#options.path), { recursive: true });
    const descriptor = openSync(this.#options.path, 'a', 0o640);
    this.#bytes = fstatSync(descriptor).size;
    return descriptor;
  }

  #rotate(): void {
    const { path, keep, maxBytes } = this.#options;
    this.close();
    const named = statSync(path, { throwIfNoEntry: false });
    if (named === undefined || named.size < maxBytes) return;
    for (let number = keep - 1; number >= 1; number--)
      renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);
    renameIfThere(path, `${path}.1`);
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  }
}
