import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { aPrediction, writeSegment } from '../../../test/support/log-lines.ts';
import { silentLogger } from '../../kernel/logger.ts';
import type { IngestStore, SegmentBatch } from './ingest-store.ts';
import { Ingester, type IngesterOptions } from './ingester.ts';

class FakeIngestStore implements IngestStore {
  readonly offsets = new Map<string, number>();
  readonly batches: SegmentBatch[] = [];
  failure: Error | null = null;
  hangs = false;

  async offsetOf(segmentId: string): Promise<number> {
    return this.offsets.get(segmentId) ?? 0;
  }

  async ingest(batch: SegmentBatch): Promise<boolean> {
    if (this.hangs) await new Promise(() => undefined);
    if (this.failure !== null) throw this.failure;
    if ((await this.offsetOf(batch.segmentId)) !== batch.from) return false;
    this.offsets.set(batch.segmentId, batch.to);
    this.batches.push(batch);
    return true;
  }

  ids(): string[] {
    return this.batches.flatMap((batch) => batch.predictions.map(({ line }) => line['event.id']));
  }
}

let directory: string;
let store: FakeIngestStore;
let seen: { lines: number; torn: number; lag: number };
let messages: string[];
let livingPids: Set<number>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-ingester-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  store = new FakeIngestStore();
  seen = { lines: 0, torn: 0, lag: -1 };
  messages = [];
  livingPids = new Set([process.pid]);
});

function anIngester(options: Partial<IngesterOptions> = {}): Ingester {
  const note = (message: string): void => void messages.push(message);
  return new Ingester({
    directory,
    store,
    logger: { ...silentLogger, info: note, warn: note },
    observer: {
      lines: (count) => {
        seen.lines += count;
      },
      tornLines: (count) => {
        seen.torn += count;
      },
      lag: (bytes) => {
        seen.lag = bytes;
      },
    },
    writerLife: { host: hostname(), now: () => Date.now(), isAlive: (pid) => livingPids.has(pid) },
    options: { fastestPollMs: 1, slowestPollMs: 2, slowestRetryMs: 4, ...options },
  });
}

const some = (count: number) => Array.from({ length: count }, () => aPrediction());

it('takes the oldest segment first, each to its end, in batches', async () => {
  const [first, second] = [some(20), some(20)];
  await writeSegment(directory, { lines: first });
  await writeSegment(directory, { lines: second });
  const pass = await anIngester({ batchBytes: 2000 }).runOnce();
  expect(pass).toEqual({ lines: 40, lagBytes: 0 });
  expect(store.ids()).toEqual([...first, ...second].map((line) => line['event.id']));
  expect(store.batches.length).toBeGreaterThan(10);
  expect(seen).toEqual({ lines: 40, torn: 0, lag: 0 });
});

it('finds nothing where there is no log yet', async () => {
  await rm(directory, { recursive: true });
  expect(await anIngester().runOnce()).toEqual({ lines: 0, lagBytes: 0 });
});

it('goes on from the offset of the store, also when another ingester moved it', async () => {
  const segmentId = await writeSegment(directory, { lines: some(3) });
  const [one, other] = [anIngester(), anIngester()];
  await one.runOnce();
  const path = join(directory, `predictions-${segmentId}.log`);
  await appendFile(path, `${JSON.stringify(aPrediction())}\n`);
  expect((await other.runOnce()).lines).toBe(1);
  await appendFile(path, `${JSON.stringify(aPrediction())}\n`);
  expect(await one.runOnce()).toEqual({ lines: 1, lagBytes: 0 });
  expect(new Set(store.ids()).size).toBe(5);
  expect(store.ids()).toHaveLength(5);
});

it('keeps what came before a failure, says the lag and passes the failure on', async () => {
  await writeSegment(directory, { lines: some(50) });
  const ingester = anIngester({ batchBytes: 2000 });
  store.failure = new Error('no disk');
  await expect(ingester.runOnce()).rejects.toThrow('no disk');
  expect(seen.lag).toBeGreaterThan(20_000);
  store.failure = null;
  expect(await ingester.runOnce()).toEqual({ lines: 50, lagBytes: 0 });
});

it('leaves the torn tail of a living writer, and counts that of a dead one once', async () => {
  await writeSegment(directory, { pid: 77, lines: some(1), tail: '{"event.action":"pre' });
  livingPids.add(77);
  const ingester = anIngester();
  expect((await ingester.runOnce()).lagBytes).toBe(20);
  expect(seen.torn).toBe(0);
  livingPids.delete(77);
  expect((await ingester.runOnce()).lagBytes).toBe(0);
  await ingester.runOnce();
  await anIngester().runOnce();
  expect(seen).toEqual({ lines: 1, torn: 1, lag: 0 });
});

it('never takes unread lines for a torn tail when the store answers false', async () => {
  await writeSegment(directory, { pid: 77, lines: some(3), tail: 'torn' });
  const ingest = vi.spyOn(store, 'ingest').mockResolvedValue(false);
  expect((await anIngester().runOnce()).lines).toBe(0);
  expect(ingest).toHaveBeenCalledTimes(1);
});

it('runs through an outage: says it once, goes on, and ends at once when told', async () => {
  await writeSegment(directory, { lines: some(2) });
  store.failure = new Error('down');
  const calls = vi.spyOn(store, 'ingest');
  const stop = new AbortController();
  const running = anIngester().run(stop.signal);
  await vi.waitFor(() => expect(calls.mock.calls.length).toBeGreaterThan(3));
  expect(messages).toHaveLength(1);
  store.failure = null;
  await vi.waitFor(() => expect(seen).toEqual({ lines: 2, torn: 0, lag: 0 }));
  await vi.waitFor(() => expect(messages).toHaveLength(2));
  await writeSegment(directory, { lines: some(3) });
  await vi.waitFor(() => expect(seen.lines).toBe(5));
  stop.abort();
  await running;
});

it('does not wait for a store that hangs, neither in a run nor in a drain', async () => {
  await writeSegment(directory, { lines: some(1) });
  store.hangs = true;
  const calls = vi.spyOn(store, 'ingest');
  const stop = new AbortController();
  const running = anIngester().run(stop.signal);
  await vi.waitFor(() => expect(calls).toHaveBeenCalled());
  stop.abort();
  await running;
  expect((await anIngester().drain(20)).lagBytes).toBeGreaterThan(0);
});

it('drains to the end, through a failure, and past a tail that stays', async () => {
  await writeSegment(directory, { lines: some(30), tail: 'still being written' });
  store.failure = new Error('down');
  const calls = vi.spyOn(store, 'ingest');
  const draining = anIngester({ batchBytes: 2000 }).drain(5000);
  await vi.waitFor(() => expect(calls.mock.calls.length).toBeGreaterThan(2));
  store.failure = null;
  expect(await draining).toEqual({ lines: 30, lagBytes: 19 });
});
