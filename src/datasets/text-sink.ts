import { type FileHandle, open } from 'node:fs/promises';
import type { KeptAs } from '../models/transforms/column-batch.ts';
import { MOST_BYTES, writeFloat32 } from './float32-cells.ts';
import type { OpenSink, RowSink, Rows } from './row-sink.ts';
import { writeAll } from './write-all.ts';

/** UTF-8 of a UTF-16 unit. */
const MOST_BYTES_OF_UNIT = 3;
const ZERO = 48;
const ONE = 49;

/** What stands around the values of a row. */
interface TextFormat {
  readonly keptAs: KeptAs;
  heading(names: readonly string[]): string;
  /** Before the value number `i`. */
  before(name: string, i: number): string;
  readonly missing: string;
  /** A value that is carried along, which came in the form of `keptAs`. */
  kept(value: string): string;
  readonly end: string;
}

/** RFC 4180; a missing value is an empty cell. */
const CSV: TextFormat = {
  keptAs: 'text',
  heading: (names) => `${names.map(quoted).join()}\n`,
  before: (_, i) => (i === 0 ? '' : ','),
  missing: '',
  kept: quoted,
  end: '\n',
};

const JSON_LINES: TextFormat = {
  keptAs: 'json',
  heading: () => '',
  before: (name, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`,
  missing: 'null',
  kept: (value) => value,
  end: '}\n',
};

export const openCsv: OpenSink = (file, made, kept) =>
  TextSink.open(file, [...made, ...kept], made.length, CSV);
export const openJsonLines: OpenSink = (file, made, kept) =>
  TextSink.open(file, [...made, ...kept], made.length, JSON_LINES);

/** Lines are made in one piece of memory, which is used again for each batch. */
class TextSink implements RowSink {
  readonly keptAs: KeptAs;
  readonly #file: FileHandle;
  readonly #format: TextFormat;
  readonly #before: readonly Buffer[];
  /** What stands before a value where that is one byte, else 0: most of a matrix is zeros and ones with a comma between. */
  readonly #commas: Uint8Array;
  readonly #width: number;
  readonly #missing: Buffer;
  readonly #end: Buffer;
  readonly #mostOfRow: number;
  #bytes = Buffer.alloc(0);

  private constructor(file: FileHandle, names: readonly string[], width: number, format: TextFormat) {
    this.keptAs = format.keptAs;
    this.#file = file;
    this.#format = format;
    this.#before = names.map((name, i) => Buffer.from(format.before(name, i)));
    this.#commas = Uint8Array.from(this.#before, (bytes) => (bytes.length === 1 ? (bytes[0] as number) : 0));
    this.#width = width;
    this.#missing = Buffer.from(format.missing);
    this.#end = Buffer.from(format.end);
    this.#mostOfRow = Buffer.concat([...this.#before, this.#end]).length + names.length * MOST_BYTES;
  }

  static async open(
    name: string,
    names: readonly string[],
    width: number,
    format: TextFormat,
  ): Promise<TextSink> {
    const file = await open(name, 'w');
    await file.write(format.heading(names));
    return new TextSink(file, names, width, format);
  }

  write(batch: Rows, matrix: Float32Array): Promise<void> {
    return writeAll(this.#file, this.#lines(batch, matrix));
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #lines({ count, kept }: Rows, matrix: Float32Array): Buffer {
    const keptTexts = kept.map((values) =>
      values.map((value) => (value === null ? null : this.#format.kept(value))),
    );
    const bytes = this.#roomFor(count, keptTexts);
    let at = 0;
    let cell = 0;
    for (let row = 0; row < count; row++) {
      for (let c = 0; c < this.#width; c++) {
        const comma = this.#commas[c] as number;
        if (comma === 0) at = copied(this.#before[c] as Buffer, bytes, at);
        else bytes[at++] = comma;
        const x = matrix[cell++] as number;
        if (x === 1) bytes[at++] = ONE;
        else if (Object.is(x, 0)) bytes[at++] = ZERO;
        else at = Number.isNaN(x) ? copied(this.#missing, bytes, at) : writeFloat32(x, bytes, at);
      }
      for (const [k, texts] of keptTexts.entries()) {
        at = copied(this.#before[this.#width + k] as Buffer, bytes, at);
        const text = texts[row] ?? null;
        at = text === null ? copied(this.#missing, bytes, at) : at + bytes.write(text, at);
      }
      at = copied(this.#end, bytes, at);
    }
    return bytes.subarray(0, at);
  }

  #roomFor(count: number, keptTexts: readonly (readonly (string | null)[])[]): Buffer {
    let units = 0;
    for (const texts of keptTexts) for (const text of texts) units += text?.length ?? 0;
    const needed = count * this.#mostOfRow + units * MOST_BYTES_OF_UNIT;
    if (needed > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(needed);
    return this.#bytes;
  }
}

/** For the few bytes between two values a call out of JavaScript would cost more than the loop. */
function copied(from: Buffer, to: Buffer, at: number): number {
  for (let i = 0; i < from.length; i++) to[at + i] = from[i] as number;
  return at + from.length;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
