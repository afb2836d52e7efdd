import { describe, expect, it, vi } from 'vitest';
import { FakeModel, HandClock, settle } from '../../test/support/serving-fakes.ts';
import { silentLogger } from '../kernel/logger.ts';
import { Batcher } from './batcher.ts';
import { BulkLane, type BulkModel } from './bulk-lane.ts';

function setUp(open?: (onLost: () => void) => Promise<BulkModel>) {
  const clock = new HandClock();
  const model = new FakeModel();
  const options = { maxBatchRows: 200, maxQueueRows: 1_000, deadlineMs: 10_000 };
  const batcher = new Batcher(model, options, clock, () => undefined);
  let lose: () => void = () => undefined;
  const opening = vi.fn(
    open ??
      (async (onLost) => {
        lose = onLost;
        return { model, batcher };
      }),
  );
  const warn = vi.fn();
  const lane = new BulkLane(opening, 'risk 1', { ...silentLogger, warn }, () => clock.elapsed());
  return { lane, model, batcher, clock, opening, warn, lose: () => lose() };
}

describe('BulkLane', () => {
  it('is loaded once, by the first that asks, who does not wait', async () => {
    const { lane, batcher, opening } = setUp();
    expect([lane.batcher(), lane.batcher()]).toEqual([null, null]);
    await settle();
    expect(lane.batcher()).toBe(batcher);
    expect(opening).toHaveBeenCalledTimes(1);
  });

  it('does without for a minute when it cannot be loaded, and says so', async () => {
    const { lane, clock, opening, warn } = setUp(async () => {
      throw new Error('no memory');
    });
    lane.batcher();
    await settle();
    clock.advance(59_000);
    expect(lane.batcher()).toBeNull();
    expect(opening).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledTimes(1);
    clock.advance(1_000);
    lane.batcher();
    expect(opening).toHaveBeenCalledTimes(2);
    await settle();
  });

  it('does without when it is lost', async () => {
    const { lane, lose, warn } = setUp();
    lane.batcher();
    await settle();
    lose();
    expect(lane.batcher()).toBeNull();
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('gives its memory back, also when it was asked for a moment ago', async () => {
    const { lane, model } = setUp();
    lane.batcher();
    await lane.retire();
    expect(model.releases).toBe(1);
  });
});
