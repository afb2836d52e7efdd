import { afterEach, describe, expect, it, vi } from 'vitest';
import { HandClock } from '../../test/support/serving-fakes.ts';
import { AppError } from '../kernel/errors.ts';
import { silentLogger } from '../kernel/logger.ts';
import type { Endpoint } from './endpoint.ts';
import { Follower } from './follower.ts';

class LookedAt {
  looks = 0;
  isDown = false;
  readonly spec = { name: 'e' };
  readonly named;

  constructor(model: string) {
    this.named = { model, scheme: 'name' as const };
  }

  async follow(): Promise<void> {
    this.looks++;
    if (this.isDown) throw new AppError('REGISTRY_UNAVAILABLE', 'connect ECONNREFUSED');
  }
}

const started: Follower[] = [];

function follow(endpoints: readonly LookedAt[], pollMs: number): Follower {
  const follower = new Follower({
    endpoints: () => endpoints as unknown as readonly Endpoint[],
    pollMs,
    clock: new HandClock(),
    logger: silentLogger,
    random: () => 0.5,
  });
  follower.start();
  started.push(follower);
  return follower;
}

afterEach(async () => {
  for (const follower of started.splice(0)) await follower.stop();
});

describe('Follower', () => {
  it('looks again and again', async () => {
    const endpoint = new LookedAt('risk');
    follow([endpoint], 5);
    await vi.waitUntil(() => endpoint.looks >= 3);
  });

  it('looks at once at the endpoints of a model that changed, and at no other', async () => {
    const [risk, sales] = [new LookedAt('risk'), new LookedAt('sales')];
    const follower = follow([risk, sales], 3_600_000);
    await Promise.resolve();
    expect(follower.nudge('risk')).toBe(1);
    await vi.waitUntil(() => risk.looks === 1);
    expect(follower.nudge('other')).toBe(0);
    expect(sales.looks).toBe(0);
    follower.nudge('risk');
    await vi.waitUntil(() => risk.looks === 2);
  });

  it('says since when a registry cannot be asked, asks less often, and says no more once it can', async () => {
    const endpoint = new LookedAt('risk');
    endpoint.isDown = true;
    const follower = follow([endpoint], 5);
    await vi.waitUntil(() => endpoint.looks >= 2);
    expect(follower.problems()).toEqual([
      'endpoint e cannot ask its registry since 2026-03-01T10:00:00.000Z: connect ECONNREFUSED',
    ]);
    endpoint.isDown = false;
    follower.nudge('risk');
    await vi.waitUntil(() => follower.problems().length === 0);
  });

  it('stops while it rests', async () => {
    const endpoint = new LookedAt('risk');
    await follow([endpoint], 3_600_000).stop();
    expect(endpoint.looks).toBe(0);
  });
});
