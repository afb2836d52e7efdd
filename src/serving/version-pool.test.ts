import { describe, expect, it } from 'vitest';
import { aServedVersion, aVersion, FakeModel, HandClock, settle } from '../../test/support/serving-fakes.ts';
import { AppError } from '../kernel/errors.ts';
import { silentLogger } from '../kernel/logger.ts';
import type { ModelVersion } from '../models/model-version.ts';
import type { ServedVersion } from './served-version.ts';
import { VersionPool } from './version-pool.ts';

interface Load {
  readonly version: ModelVersion;
  readonly model: FakeModel;
  done(): void;
  failed(error: unknown): void;
}

function setUp(onDemandVersions = 2) {
  const clock = new HandClock();
  const loads: Load[] = [];
  const pool = new VersionPool({
    clock,
    logger: silentLogger,
    onDemandVersions,
    load: (version) =>
      new Promise<ServedVersion>((resolve, reject) => {
        const model = new FakeModel();
        loads.push({
          version,
          model,
          done: () => resolve(aServedVersion(version, model, clock)),
          failed: reject,
        });
      }),
  });
  const ask = (version: ModelVersion): ServedVersion | AppError => {
    clock.advance(1);
    try {
      return pool.onDemand(version);
    } catch (error) {
      return error as AppError;
    }
  };
  const bring = async (version: ModelVersion): Promise<ServedVersion> => {
    ask(version);
    loads.at(-1)?.done();
    await settle();
    return pool.onDemand(version);
  };
  return { pool, clock, loads, ask, bring };
}

const [one, two, three] = [1, 2, 3].map((number) => aVersion({ number })) as [
  ModelVersion,
  ModelVersion,
  ModelVersion,
];

describe('on demand', () => {
  it('is NOT_READY while it loads, once for all callers, and then there', async () => {
    const { ask, loads, pool } = setUp();
    for (let i = 0; i < 3; i++) expect(ask(one)).toMatchObject({ code: 'NOT_READY', retryAfterSeconds: 1 });
    expect(loads).toHaveLength(1);
    loads[0]?.done();
    await settle();
    const served = ask(one) as ServedVersion;
    expect(served.version).toBe(one);
    expect(ask(one)).toBe(served);
    expect(pool.loaded()).toEqual([served]);
  });

  it('is not tried again at once when it was refused', async () => {
    const { ask, loads, clock } = setUp();
    ask(one);
    loads[0]?.failed(new AppError('DIGEST_MISMATCH', '/srv/secret/model.onnx is not the file'));
    await settle();
    const refused = ask(one) as AppError;
    expect(refused).toMatchObject({ code: 'NOT_READY', retryAfterSeconds: 30 });
    expect(refused.message).not.toContain('/srv/secret');
    clock.advance(29_000);
    ask(one);
    expect(loads).toHaveLength(1);
    clock.advance(1_000);
    expect(ask(one)).toMatchObject({ code: 'NOT_READY', retryAfterSeconds: 1 });
    expect(loads).toHaveLength(2);
  });

  it('loads nothing where none may stay', () => {
    const { ask, loads } = setUp(0);
    expect(ask(one)).toMatchObject({
      code: 'NOT_READY',
      message: expect.stringContaining('on_demand_versions'),
    });
    expect(loads).toEqual([]);
  });

  it('keeps the most recently used', async () => {
    const { bring, ask, loads, pool } = setUp(2);
    await bring(one);
    await bring(two);
    ask(one);
    await bring(three);
    await settle();
    expect(pool.loaded().map(({ version }) => version.number)).toEqual([1, 3]);
    expect(loads.map(({ model }) => model.releases)).toEqual([0, 1, 0]);
  });

  it('never releases a version that a request has pinned', async () => {
    const { bring, ask, loads } = setUp(1);
    const first = await bring(one);
    first.pin();
    await bring(two).catch(() => undefined);
    await settle();
    expect(loads[0]?.model.releases).toBe(0);
    expect(ask(one)).toBe(first);
    first.unpin();
    await bring(three);
    await settle();
    expect(loads[0]?.model.releases).toBe(1);
  });

  it('keeps the version that just came, when the others are pinned', async () => {
    const { bring, ask } = setUp(1);
    (await bring(one)).pin();
    ask(two);
    await bring(two).catch(() => undefined);
    expect(ask(two)).not.toBeInstanceOf(AppError);
  });
});

describe('held versions', () => {
  it('stay, whatever is asked for', async () => {
    const { pool, loads, bring, ask } = setUp(1);
    const held = pool.hold(one);
    loads[0]?.done();
    const served = await held;
    await bring(two);
    await bring(three);
    expect(ask(one)).toBe(served);
    expect(loads.map(({ model }) => model.releases)).toEqual([0, 1, 0]);
  });

  it('are those that callers asked for before', async () => {
    const { pool, loads, bring } = setUp(1);
    const asked = await bring(one);
    expect(await pool.hold(one)).toBe(asked);
    await bring(two);
    await bring(three);
    expect(loads[0]?.model.releases).toBe(0);
  });

  it('share the load that a caller has begun', async () => {
    const { pool, loads, ask } = setUp();
    ask(one);
    const held = pool.hold(one);
    for (const load of loads) load.done();
    const served = await held;
    await settle();
    expect(loads).toHaveLength(1);
    expect(ask(one)).toBe(served);
  });

  it('say why they were refused, and may be tried again at once', async () => {
    const { pool, loads } = setUp();
    const refused = pool.hold(one);
    loads[0]?.failed(new Error('no memory'));
    await expect(refused).rejects.toMatchObject({ code: 'INTERNAL', message: 'no memory' });
    const again = pool.hold(one);
    loads[1]?.done();
    await expect(again).resolves.toMatchObject({ version: one });
  });
});

describe('close', () => {
  it('waits for the last pin of each version and releases it', async () => {
    const { pool, loads, bring } = setUp();
    const served = await bring(one);
    await bring(two);
    served.pin();
    let closed = false;
    const closing = pool.close().then(() => {
      closed = true;
    });
    await settle();
    expect(closed).toBe(false);
    expect(pool.loaded()).toEqual([]);
    served.unpin();
    await closing;
    expect(loads.map(({ model }) => model.releases)).toEqual([1, 1]);
  });
});
