import { beforeEach, describe, expect, it } from 'vitest';
import {
  aField,
  aServedVersion,
  aSignature,
  aVersion,
  FakeModel,
  FakeServingMeter,
  HandClock,
  settle,
} from '../../test/support/serving-fakes.ts';
import { AppError } from '../kernel/errors.ts';
import { silentLogger } from '../kernel/logger.ts';
import { type ModelReference, selectVersion } from '../models/model-reference.ts';
import type { ModelVersion, RegisteredModel } from '../models/model-version.ts';
import type { ModelRegistry } from '../models/registry/registry.ts';
import { Endpoint, type EndpointSpec } from './endpoint.ts';
import type { ServedVersion } from './served-version.ts';
import { VersionPool } from './version-pool.ts';

/** Versions 1 to 9, of which `pointsAt` carries the alias. */
class MovingRegistry implements ModelRegistry {
  pointsAt = 1;
  isDown = false;

  async listModels(): Promise<readonly RegisteredModel[]> {
    return [await this.getModel()];
  }

  async getModel(): Promise<RegisteredModel> {
    const versions = [9, 8, 7, 6, 5, 4, 3, 2, 1].map((number) =>
      aVersion({ number, aliases: number === this.pointsAt ? ['production'] : [] }),
    );
    return { name: 'risk', versions };
  }

  async resolve(reference: ModelReference): Promise<ModelVersion> {
    if (this.isDown) throw new AppError('REGISTRY_UNAVAILABLE', 'connect ECONNREFUSED');
    return selectVersion(await this.getModel(), reference);
  }

  fetch(): never {
    throw new Error('the fake pool does not fetch');
  }
}

const SPEC: EndpointSpec = {
  name: 'e',
  reference: 'risk@production',
  refusal: null,
  required: true,
  redact: null,
  redactedFields: [],
  onSignatureChange: 'refuse',
};

let registry: MovingRegistry;
let clock: HandClock;
let meter: FakeServingMeter;
let loads: number[];
let released: number[];
let broken: Map<number, AppError>;
let fieldsOf: (number: number) => string;
let last: ModelVersion | null;

beforeEach(() => {
  registry = new MovingRegistry();
  clock = new HandClock();
  meter = new FakeServingMeter();
  loads = [];
  released = [];
  broken = new Map();
  fieldsOf = () => 'x';
  last = null;
});

async function load(version: ModelVersion): Promise<ServedVersion> {
  loads.push(version.number);
  const failure = broken.get(version.number);
  if (failure !== undefined) throw failure;
  const model = new FakeModel(aSignature([aField(fieldsOf(version.number))]));
  model.release = async () => void released.push(version.number);
  return aServedVersion(version, model, clock);
}

function anEndpoint(change: Partial<EndpointSpec> = {}): Endpoint {
  const pool = new VersionPool({ clock, logger: silentLogger, onDemandVersions: 4, load });
  return new Endpoint(
    { ...SPEC, ...change },
    {
      registry,
      pool,
      meter,
      logger: silentLogger,
      clock,
      lastServed: {
        read: async () => last,
        write: async (_, version) => {
          last = version;
        },
      },
      statusOf: () => 500,
      keepPrevious: 1,
      rollbackWindowMs: 60_000,
    },
  );
}

async function started(change: Partial<EndpointSpec> = {}): Promise<Endpoint> {
  const endpoint = anEndpoint(change);
  await endpoint.start();
  return endpoint;
}

const serving = (endpoint: Endpoint): number | undefined => endpoint.target?.served.version.number;

describe('follow', () => {
  it('switches to what the reference points at, with a new revision', async () => {
    const endpoint = await started();
    const before = endpoint.target;
    await endpoint.follow();
    expect(endpoint.target).toBe(before);
    registry.pointsAt = 2;
    await endpoint.follow();
    expect(serving(endpoint)).toBe(2);
    expect(endpoint.status()).toMatchObject({ state: 'ready', version: '2', revision: 2, previous: ['1'] });
    expect(endpoint.target?.line).toContain('"revision":2');
    expect(meter.switches).toEqual(['e switched']);
    expect(last?.number).toBe(2);
  });

  it('keeps the version before for the rollback window, and comes back to it without a load', async () => {
    const endpoint = await started();
    registry.pointsAt = 2;
    await endpoint.follow();
    registry.pointsAt = 1;
    await endpoint.follow();
    expect(serving(endpoint)).toBe(1);
    expect(loads).toEqual([1, 2]);
    clock.advance(60_001);
    await endpoint.follow();
    await settle();
    expect(released).toEqual([2]);
    expect(endpoint.status().previous).toEqual([]);
  });

  it('releases a version once its last request is answered', async () => {
    const endpoint = await started();
    const first = endpoint.target?.served;
    first?.pin();
    for (const next of [2, 3, 4]) {
      registry.pointsAt = next;
      await endpoint.follow();
    }
    await settle();
    expect(released).toEqual([2]);
    first?.unpin();
    await settle();
    expect(released).toEqual([2, 1]);
    expect(endpoint.status().previous).toEqual(['3']);
  });

  it('leaves the serving version alone when the next is refused, and waits before it tries again', async () => {
    const endpoint = await started();
    broken.set(2, new AppError('DIGEST_MISMATCH', 'model.onnx is not the file'));
    registry.pointsAt = 2;
    await endpoint.follow();
    await endpoint.follow();
    expect(serving(endpoint)).toBe(1);
    expect(loads).toEqual([1, 2]);
    expect(endpoint.status()).toMatchObject({
      state: 'ready',
      version: '1',
      candidate: { version: '2', state: 'refused', reason: 'model.onnx is not the file' },
    });
    clock.advance(15_001);
    await endpoint.follow();
    clock.advance(15_001);
    await endpoint.follow();
    expect(loads).toEqual([1, 2, 2]);
    clock.advance(15_001);
    broken.clear();
    await endpoint.follow();
    expect(serving(endpoint)).toBe(2);
    expect(endpoint.status().candidate).toBeNull();
  });

  it('forgets a refused version when the reference points back, and tries another at once', async () => {
    const endpoint = await started();
    broken.set(2, new AppError('GOLDEN_MISMATCH', 'no'));
    registry.pointsAt = 2;
    await endpoint.follow();
    registry.pointsAt = 3;
    await endpoint.follow();
    expect(serving(endpoint)).toBe(3);
    registry.pointsAt = 2;
    await endpoint.follow();
    registry.pointsAt = 3;
    await endpoint.follow();
    expect(endpoint.status().candidate).toBeNull();
  });

  it('does not take a version that breaks callers, and gives it back', async () => {
    fieldsOf = (number) => (number === 2 ? 'y' : 'x');
    const endpoint = await started();
    registry.pointsAt = 2;
    await endpoint.follow();
    await settle();
    expect(serving(endpoint)).toBe(1);
    expect(endpoint.status().candidate?.reason).toContain('it has no field "x"');
    expect(released).toEqual([2]);
    const willing = await started({ onSignatureChange: 'accept' });
    expect(serving(willing)).toBe(2);
    registry.pointsAt = 3;
    await willing.follow();
    expect(serving(willing)).toBe(3);
  });

  it('fails when the registry cannot be asked, and goes on serving', async () => {
    const endpoint = await started();
    registry.isDown = true;
    await expect(endpoint.follow()).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    expect(serving(endpoint)).toBe(1);
  });
});

describe('start', () => {
  it('serves what it served before when the present version is refused', async () => {
    last = aVersion({ number: 1 });
    broken.set(2, new AppError('MODEL_UNREADABLE', 'cut off'));
    registry.pointsAt = 2;
    const endpoint = await started();
    expect(serving(endpoint)).toBe(1);
    expect(endpoint.status()).toMatchObject({
      state: 'ready',
      candidate: { version: '2', state: 'refused' },
    });
  });

  it('serves what it served before when the registry cannot be asked', async () => {
    last = aVersion({ number: 4 });
    registry.isDown = true;
    expect(serving(await started())).toBe(4);
  });

  it('does not serve a version of another model, nor another than the one that is named', async () => {
    broken.set(2, new AppError('MODEL_UNREADABLE', 'cut off'));
    registry.pointsAt = 2;
    last = aVersion({ model: 'other', number: 1 });
    expect((await started()).target).toBeNull();
    last = aVersion({ number: 1 });
    const pinned = await started({ reference: 'risk/2' });
    expect(pinned.target).toBeNull();
    expect(pinned.status()).toMatchObject({ state: 'failed', reason: 'cut off' });
    expect(pinned.follows).toBe(false);
  });

  it('serves nothing where what it was to serve was refused before it had a name', async () => {
    const refusal = new AppError('UNTRUSTED_CODE', 'nobody trusts it');
    const endpoint = await started({ reference: './model.pkl', refusal });
    expect(endpoint.status()).toMatchObject({
      state: 'failed',
      reference: './model.pkl',
      reason: 'nobody trusts it',
    });
    expect(endpoint.follows).toBe(false);
    expect(loads).toEqual([]);
  });

  it('waits for what was away when it started, though its reference cannot move', async () => {
    broken.set(2, new AppError('REMOTE_FAILED', 'cannot be reached'));
    const pinned = await started({ reference: 'risk/2' });
    expect(pinned.status()).toMatchObject({ state: 'failed', reason: 'cannot be reached' });
    expect(pinned.follows).toBe(true);
    broken.clear();
    clock.advance(20_000);
    await pinned.follow();
    expect(serving(pinned)).toBe(2);
  });
});
