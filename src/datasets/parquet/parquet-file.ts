import { type FileHandle, open } from 'node:fs/promises';
import { writeAll } from '../write-all.ts';
import { type ColumnChunk, PHYSICAL, type Physical } from './column-chunk.ts';
import { binary, encodeThrift, i32, i64, list, struct, type Thrift } from './thrift.ts';

const MAGIC = Buffer.from('PAR1');
const OPTIONAL = 1;
const UTF8 = 0;
const UNCOMPRESSED = 0;

/**
 * A Parquet file, row group after row group: what is held is one of them and a few facts of each column chunk. Version 1
 * with dictionaries, not compressed; a missing value is NULL.
 */
export class ParquetFile {
  readonly #file: FileHandle;
  readonly #createdBy: string;
  readonly #groups: Thrift[] = [];
  #at = 0;
  #rows = 0;

  private constructor(file: FileHandle, createdBy: string) {
    this.#file = file;
    this.#createdBy = createdBy;
  }

  static async create(name: string, createdBy = 'slipway'): Promise<ParquetFile> {
    const file = new ParquetFile(await open(name, 'w'), createdBy);
    await file.#write(MAGIC);
    return file;
  }

  async writeGroup(
    rows: number,
    columns: readonly { readonly name: string; readonly type: Physical; readonly chunk: ColumnChunk }[],
  ): Promise<void> {
    const start = this.#at;
    const facts: Thrift[] = [];
    for (const { name, type, chunk } of columns) {
      const at = this.#at;
      for (const piece of chunk.bytes) await this.#write(piece);
      const size = i64(this.#at - at);
      const metadata = struct({
        1: i32(PHYSICAL[type]),
        2: list('i32', chunk.encodings.map(i32)),
        3: list('binary', [binary(name)]),
        4: i32(UNCOMPRESSED),
        5: i64(chunk.values),
        6: size,
        7: size,
        9: i64(at + chunk.dictionaryBytes),
        11: chunk.dictionaryBytes > 0 ? i64(at) : undefined,
      });
      facts.push(struct({ 2: i64(at), 3: metadata }));
    }
    this.#groups.push(struct({ 1: list('struct', facts), 2: i64(this.#at - start), 3: i64(rows) }));
    this.#rows += rows;
  }

  /** The file is whole after this. */
  async end(columns: readonly { readonly name: string; readonly type: Physical }[]): Promise<void> {
    const root = struct({ 4: binary('schema'), 5: i32(columns.length) });
    const elements = columns.map(({ name, type }) =>
      struct({
        1: i32(PHYSICAL[type]),
        3: i32(OPTIONAL),
        4: binary(name),
        6: type === 'text' ? i32(UTF8) : undefined,
      }),
    );
    const footer = encodeThrift(
      struct({
        1: i32(1),
        2: list('struct', [root, ...elements]),
        3: i64(this.#rows),
        4: list('struct', this.#groups),
        6: binary(this.#createdBy),
      }),
    );
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    await this.#write(Buffer.concat([footer, length, MAGIC]));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(bytes: Buffer): Promise<void> {
    await writeAll(this.#file, bytes);
    this.#at += bytes.length;
  }
}
