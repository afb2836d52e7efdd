import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import type { ArtifactSource } from './artifact-source.ts';
import { download } from './download.ts';

const PLENTY = 1_000;

/** Files in memory; `breakAt` ends each body with an error after so many bytes, `ranges` whether offsets are known. */
class MemorySource implements ArtifactSource {
  readonly opened: [string, number][] = [];
  breakAt: number | null = null;
  ranges = true;
  sizes = true;
  readonly #files: Readonly<Record<string, string>>;

  constructor(files: Readonly<Record<string, string>>) {
    this.#files = files;
  }

  async list() {
    return Object.entries(this.#files).map(([name, content]) => ({
      path: name,
      bytes: this.sizes ? content.length : null,
    }));
  }

  async open(file: string, from: number) {
    this.opened.push([file, from]);
    const start = this.ranges ? from : 0;
    const content = (this.#files[file] ?? '').slice(start);
    const { breakAt } = this;
    const body = Readable.from(
      (function* () {
        yield Buffer.from(content.slice(0, breakAt ?? content.length));
        if (breakAt !== null) throw new Error('socket hang up');
      })(),
    );
    return { body, isPart: this.ranges && from > 0 };
  }
}

let folder: string;
const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');
beforeEach(() => {
  folder = temporaryFolder('slipway-download-');
});

describe('download', () => {
  it('brings every file and says how far it is', async () => {
    const told: (number | null)[][] = [];
    const source = new MemorySource({ MLmodel: 'abc', 'data/model.onnx': 'defgh' });
    await download(source, folder, PLENTY, (done, total) => told.push([done, total]));
    expect([read('MLmodel'), read('data/model.onnx')]).toEqual(['abc', 'defgh']);
    expect(told.at(-1)).toEqual([8, 8]);
    expect(readdirSync(folder, { recursive: true })).not.toContain('MLmodel.part');
  });

  it.each([
    ['from where it broke off', true, 4],
    ['from its beginning where the server knows no offsets', false, 4],
  ])('goes on with a file %s, and asks for whole ones no more', async (_what, ranges, from) => {
    const source = new MemorySource({ MLmodel: 'abc', 'model.onnx': '0123456789' });
    source.ranges = ranges;
    source.breakAt = 4;
    await expect(download(source, folder, PLENTY, () => undefined)).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringContaining('broke off: socket hang up'),
    });
    writeFileSync(path.join(folder, 'MLmodel'), 'abc');
    source.breakAt = null;
    source.opened.length = 0;
    writeFileSync(path.join(folder, 'model.onnx.part'), '0123');
    await download(source, folder, PLENTY, () => undefined);
    expect(source.opened).toEqual([['model.onnx', from]]);
    expect(read('model.onnx')).toBe('0123456789');
  });

  it('refuses a file that is not as long as the server says', async () => {
    const source = new MemorySource({ MLmodel: 'abc' });
    const list = await source.list();
    source.list = async () => list.map((file) => ({ ...file, bytes: 5 }));
    await expect(download(source, folder, PLENTY, () => undefined)).rejects.toMatchObject({
      code: 'MODEL_UNREADABLE',
      message: 'MLmodel has 3 bytes, and the registry says 5',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([true, false])('takes no more than there is room for, sizes known: %s', async (sizes) => {
    const source = new MemorySource({ a: 'x'.repeat(6), b: 'x'.repeat(6) });
    source.sizes = sizes;
    await expect(download(source, folder, 10, () => undefined)).rejects.toMatchObject({
      code: 'MODEL_UNREADABLE',
      message: expect.stringContaining('registry.mlflow.cache_bytes'),
    });
    if (sizes) expect(source.opened).toEqual([]);
  });

  it('refuses an artifact without files', async () => {
    mkdirSync(path.join(folder, 'x'));
    await expect(download(new MemorySource({}), folder, PLENTY, () => undefined)).rejects.toMatchObject({
      message: 'The artifact has no files',
    });
  });
});
