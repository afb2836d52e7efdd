import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { InputRecord } from '../models/record-check.ts';
import type { LoadedModel, RowOutput } from '../models/runtimes/runtime.ts';
import { Batcher, type BatcherOptions } from './batcher.ts';

/** Doubles `x`; fails on 13; holds its answers back while `held`. */
class FakeModel implements LoadedModel {
  readonly signature = { fields: [], acceptsArray: false, output: { task: 'regression' as const } };
  readonly maxRows = Number.POSITIVE_INFINITY;
  readonly runs: number[] = [];
  held: Promise<void> = Promise.resolve();

  async run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    this.runs.push(rows.length);
    await this.held;
    if (rows.some((row) => row['x'] === 13)) throw new AppError('INFERENCE_FAILED', 'unlucky');
    return rows.map((row) => ({ prediction: Number(row['x']) * 2, probabilities: null }));
  }

  async release(): Promise<void> {}
}

const OPTIONS: BatcherOptions = { maxBatchRows: 8, maxQueueRows: 20, deadlineMs: 1_000 };
let now = 0;
const clock: Clock = { now: () => now, elapsed: () => now };
const rowsOf = (...values: number[]): InputRecord[] => values.map((x) => ({ x }));

function start(options: Partial<BatcherOptions> = {}): { model: FakeModel; batcher: Batcher } {
  const model = new FakeModel();
  return { model, batcher: new Batcher(model, { ...OPTIONS, ...options }, clock, () => undefined) };
}

async function answersOf(batcher: Batcher, ...values: number[]): Promise<unknown[]> {
  const { outputs } = await batcher.run(rowsOf(...values));
  return outputs.map((output) => (output instanceof AppError ? output.code : output.prediction));
}

beforeEach(() => {
  now = 0;
});

describe('batching', () => {
  it('runs what comes in one turn together, and each caller gets its own slice', async () => {
    const { model, batcher } = start();
    const answers = await Promise.all([
      answersOf(batcher, 1),
      answersOf(batcher, 2, 3),
      answersOf(batcher, 4),
    ]);
    expect(answers).toEqual([[2], [4, 6], [8]]);
    expect(model.runs).toEqual([4]);
  });

  it('collects during a run for the next one', async () => {
    const { model, batcher } = start();
    let finish = (): void => undefined;
    model.held = new Promise((resolve) => {
      finish = resolve;
    });
    const first = answersOf(batcher, 1);
    await vi.waitFor(() => expect(model.runs).toEqual([1]));
    const others = [answersOf(batcher, 2), answersOf(batcher, 3)];
    finish();
    expect(await Promise.all([first, ...others])).toEqual([[2], [4], [6]]);
    expect(model.runs).toEqual([1, 2]);
  });

  it('cuts a request that is larger than a run', async () => {
    const { model, batcher } = start();
    expect(await answersOf(batcher, ...Array.from({ length: 19 }, (_, i) => i + 20))).toEqual(
      Array.from({ length: 19 }, (_, i) => (i + 20) * 2),
    );
    expect(model.runs).toEqual([8, 8, 3]);
  });

  it('lets a row that the model cannot take fail alone', async () => {
    const { batcher } = start();
    const answers = await Promise.all([1, 2, 13, 4, 5].map((x) => answersOf(batcher, x)));
    expect(answers).toEqual([[2], [4], ['INFERENCE_FAILED'], [8], [10]]);
  });
});

describe('bounds', () => {
  it('refuses past the queue bound at once, with a time to come back', async () => {
    const { batcher } = start();
    const waiting = answersOf(batcher, ...Array.from({ length: 20 }, () => 1));
    await expect(batcher.run(rowsOf(1))).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: 1 });
    expect(await waiting).toHaveLength(20);
    expect(await answersOf(batcher, 1)).toEqual([2]);
  });

  it('is idle when nothing waits or runs', async () => {
    const { batcher } = start();
    await batcher.whenIdle();
    const answers = answersOf(batcher, 1);
    await batcher.whenIdle();
    expect(batcher.queuedRows).toBe(0);
    expect(await answers).toEqual([2]);
  });
});

describe('the deadline', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends the wait of a request behind a run that does not end, and the row is never run', async () => {
    const { model, batcher } = start();
    let finish = (): void => undefined;
    model.held = new Promise((resolve) => {
      finish = resolve;
    });
    const first = answersOf(batcher, 1);
    while (model.runs.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = batcher.run(rowsOf(2));
    const refused = expect(second).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    now = 1_001;
    vi.advanceTimersByTime(1_001);
    await refused;
    finish();
    expect(await first).toEqual([2]);
    await batcher.whenIdle();
    expect(model.runs).toEqual([1]);
    expect(batcher.queuedRows).toBe(0);
  });
});
