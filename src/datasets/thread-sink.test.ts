import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { serveSink, ThreadSink } from './thread-sink.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'slipway-sink-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
});

function openThrough(to: string, kept: readonly string[]): Promise<ThreadSink> {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  serveSink(port2);
  return ThreadSink.open(port1, to, [path.join(cwd, 'part'), ['x'], kept]);
}

it('writes batches in their order, and more of them than may be under way', async () => {
  const sink = await openThrough('out.csv', ['id']);
  expect(sink.keptAs).toBe('text');
  const matrix = new Float32Array(1);
  for (let row = 0; row < 50; row++) {
    matrix[0] = row;
    await sink.write({ count: 1, kept: [[`id ${row}`]] }, matrix);
  }
  await sink.end();
  await sink.close();
  const lines = Array.from({ length: 50 }, (_, row) => `${row},id ${row}`);
  expect(await readFile(path.join(cwd, 'part'), 'utf8')).toBe(`${['x,id', ...lines].join('\n')}\n`);
});

it('fails with what failed in the thread', async () => {
  await expect(openThrough('out.xlsx', [])).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
  const sink = await openThrough('out.parquet', ['label']);
  const ofRows = (json: string): Promise<void> =>
    sink.write({ count: 32_768, kept: [new Array<string>(32_768).fill(json)] }, new Float32Array(32_768));
  await ofRows('1');
  await ofRows('"one"');
  await expect(sink.end()).rejects.toMatchObject({
    message: expect.stringContaining('row 32769 is no number'),
  });
  await sink.close();
});
