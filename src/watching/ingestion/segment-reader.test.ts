import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  aPrediction,
  type SegmentContent,
  someFeedback,
  writeSegment,
} from '../../../test/support/log-lines.ts';
import type { SegmentBatch } from './ingest-store.ts';
import { listSegments } from './segment-directory.ts';
import { type ReadLimits, SegmentReader } from './segment-reader.ts';

async function openSegment(content: SegmentContent, limits: Partial<ReadLimits> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-reader-'));
  const segmentId = await writeSegment(directory, content);
  const bytesOf = async (): Promise<number> => (await listSegments(directory))[0]?.bytes ?? 0;
  const path = join(directory, `predictions-${segmentId}.log`);
  const reader = await SegmentReader.open(path, segmentId, {
    batchBytes: 1 << 20,
    lineBytes: 1 << 22,
    ...limits,
  });
  onTestFinished(async () => {
    await reader.close();
    await rm(directory, { recursive: true, force: true });
  });
  const readAll = async (from = 0): Promise<SegmentBatch[]> => {
    const batches: SegmentBatch[] = [];
    const until = await bytesOf();
    for (let at = from; ; ) {
      const batch = await reader.next(at, until);
      if (batch === null) return batches;
      expect(batch).toMatchObject({ segmentId, from: at });
      at = batch.to;
      batches.push(batch);
    }
  };
  return { path, reader, readAll, bytesOf };
}

const linesOf = (batches: readonly SegmentBatch[]) => ({
  predictions: batches.flatMap((batch) => batch.predictions.map(({ line }) => line)),
  feedback: batches.flatMap((batch) => batch.feedback.map(({ line }) => line)),
  torn: batches.reduce((sum, batch) => sum + batch.tornLines, 0),
});

it('reads the lines of a segment, and its header and end as nothing', async () => {
  const lines = [aPrediction(), someFeedback(), aPrediction()];
  const { readAll, bytesOf } = await openSegment({ lines, closed: true });
  const batches = await readAll();
  expect(linesOf(batches)).toEqual({ predictions: [lines[0], lines[2]], feedback: [lines[1]], torn: 0 });
  expect(batches.at(-1)?.to).toBe(await bytesOf());
});

it.each([700, 701, 702, 703, 1024])('keeps characters whole in batches of %i bytes', async (batchBytes) => {
  const lines = Array.from({ length: 40 }, (_, index) => aPrediction({ id: 'é😀'.repeat(index % 5) }));
  const { readAll } = await openSegment({ lines }, { batchBytes });
  const batches = await readAll();
  expect(batches.length).toBeGreaterThan(10);
  expect(linesOf(batches)).toEqual({ predictions: lines, feedback: [], torn: 0 });
});

it('leaves a last line without its newline until it is whole', async () => {
  const whole = aPrediction({ id: '😀' });
  const bytes = Buffer.from(`${JSON.stringify(whole)}\n`);
  const cut = bytes.indexOf(Buffer.from('😀')) + 2;
  const { path, readAll } = await openSegment({ tail: bytes.subarray(0, cut) });
  const [first, ...more] = await readAll();
  expect(more).toEqual([]);
  await appendFile(path, bytes.subarray(cut));
  expect(linesOf(await readAll(first?.to))).toEqual({ predictions: [whole], feedback: [], torn: 0 });
});

it('counts and skips lines that cannot be read', async () => {
  const good = aPrediction();
  const { readAll } = await openSegment({ lines: ['{"half', '', '\0\0\0', good, 'x'] });
  expect(linesOf(await readAll())).toEqual({ predictions: [good], feedback: [], torn: 4 });
});

it('reads a line longer than a batch alone, and skips one past the limit', async () => {
  const [before, long, after] = [aPrediction(), aPrediction({ id: 'l'.repeat(5000) }), aPrediction()];
  const lines = [before, long, aPrediction({ id: 't'.repeat(20_000) }), after];
  const { readAll } = await openSegment({ lines }, { batchBytes: 1000, lineBytes: 10_000 });
  expect(linesOf(await readAll())).toEqual({ predictions: [before, long, after], feedback: [], torn: 1 });
});

it('does not look past the given end', async () => {
  const { reader, bytesOf } = await openSegment({ lines: [aPrediction()] }, { batchBytes: 100 });
  const bytes = await bytesOf();
  const batch = await reader.next(0, bytes - 1);
  expect(batch?.predictions).toEqual([]);
  expect(await reader.next(batch?.to ?? 0, bytes - 1)).toBeNull();
});
