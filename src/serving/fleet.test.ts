import { describe, expect, it } from 'vitest';
import {
  aServedVersion,
  aVersion,
  FakeRegistry,
  FakeServingMeter,
  HandClock,
  settle,
} from '../../test/support/serving-fakes.ts';
import { AppError } from '../kernel/errors.ts';
import type { JsonObject } from '../kernel/json.ts';
import { silentLogger } from '../kernel/logger.ts';
import type { ModelReference, NamedModel } from '../models/model-reference.ts';
import type { ModelVersion, RegisteredModel } from '../models/model-version.ts';
import type { EndpointSpec } from './endpoint.ts';
import { Fleet } from './fleet.ts';
import type { Target } from './target.ts';
import { VersionPool } from './version-pool.ts';

const VERSIONS: readonly ModelVersion[] = [
  aVersion({ number: 3, semver: '2.0.0', aliases: ['production'] }),
  aVersion({ number: 2, semver: '1.2.0' }),
  aVersion({ number: 1, semver: '1.0.0' }),
];
const MODELS: readonly RegisteredModel[] = [{ name: 'risk', versions: VERSIONS }];

const asIs = (row: JsonObject): JsonObject => row;

function endpoint(name: string, reference: string, change: Partial<EndpointSpec> = {}): EndpointSpec {
  return {
    name,
    reference,
    refusal: null,
    required: true,
    redact: asIs,
    redactedFields: [],
    onSignatureChange: 'refuse',
    ...change,
  };
}

function setUp(
  endpoints: readonly EndpointSpec[],
  defaultEndpoint: string | null = endpoints[0]?.name ?? null,
) {
  const loads: number[] = [];
  const broken = new Set<number>();
  const pool = new VersionPool({
    clock: new HandClock(),
    logger: silentLogger,
    onDemandVersions: 4,
    load: async (version) => {
      loads.push(version.number);
      if (broken.has(version.number)) throw new AppError('DIGEST_MISMATCH', '/srv/secret.onnx differs');
      return aServedVersion(version);
    },
  });
  const fleet = new Fleet({
    registry: new FakeRegistry(MODELS),
    pool,
    meter: new FakeServingMeter(),
    logger: silentLogger,
    clock: new HandClock(),
    lastServed: { read: async () => null, write: async () => undefined },
    keepPrevious: 1,
    rollbackWindowMs: 60_000,
    endpoints,
    defaultEndpoint,
    statusOf: () => 500,
  });
  return { fleet, loads, broken };
}

const byVersion =
  (version: string) =>
  (named: NamedModel): ModelReference => ({ ...named, by: 'version', version });

async function eventually(find: () => Promise<Target>): Promise<Target> {
  await expect(find()).rejects.toMatchObject({ code: 'NOT_READY' });
  await settle();
  return find();
}

describe('start', () => {
  it('knows the names of endpoints and of their models', () => {
    const { fleet } = setUp([endpoint('a', 'risk@production'), endpoint('b', 'models:/sales/Production')]);
    expect([...fleet.names()]).toEqual(['a', 'b', 'risk', 'sales']);
  });

  it('loads every endpoint, and one version once', async () => {
    const { fleet, loads } = setUp([
      endpoint('a', 'risk@production'),
      endpoint('b', 'risk/1.2.0'),
      endpoint('c', 'risk'),
    ]);
    expect(fleet.ready).toBe(false);
    expect(fleet.endpoints().map(({ state }) => state)).toEqual(['loading', 'loading', 'loading']);
    expect(() => fleet.default()).toThrow(
      expect.objectContaining({ code: 'NOT_READY', retryAfterSeconds: 1 }),
    );
    await fleet.start();
    expect(loads).toEqual([3, 2]);
    expect(fleet.ready).toBe(true);
    expect(fleet.endpoints()[1]).toEqual({
      name: 'b',
      required: true,
      state: 'ready',
      reference: 'risk/1.2.0',
      model: 'risk',
      version: '1.2.0',
      revision: 1,
      format: 'onnx',
      reason: null,
      runtime: null,
      candidate: null,
      previous: [],
    });
    expect(fleet.default().served.label).toBe('2.0.0');
  });

  it('keeps a refusal as the state of its endpoint; what is required decides readiness', async () => {
    const { fleet, broken } = setUp([
      endpoint('good', 'risk/1'),
      endpoint('bad', 'risk/2', { required: false }),
      endpoint('gone', 'nothing', { required: false }),
    ]);
    broken.add(2);
    await fleet.start();
    expect(fleet.ready).toBe(true);
    expect(fleet.endpoints().map(({ state }) => state)).toEqual(['ready', 'failed', 'failed']);
    const ask = (): Target => fleet.named('bad');
    expect(ask).toThrow(expect.objectContaining({ code: 'NOT_READY', retryAfterSeconds: 30 }));
    expect(ask).not.toThrow('/srv/secret.onnx');
  });

  it('is not ready while a required endpoint is refused', async () => {
    const { fleet, broken } = setUp([endpoint('good', 'risk/1'), endpoint('bad', 'risk/2')]);
    broken.add(2);
    await fleet.start();
    expect(fleet.ready).toBe(false);
  });
});

describe('named', () => {
  it('finds an endpoint, then the model that one serves', async () => {
    const { fleet } = setUp([endpoint('first', 'risk/1'), endpoint('second', 'risk/2')], 'second');
    await fleet.start();
    expect(fleet.named('second').served.label).toBe('1.2.0');
    expect(fleet.named('risk').endpoint).toBe('first');
    expect(() => fleet.named('other')).toThrow(expect.objectContaining({ code: 'MODEL_NOT_FOUND' }));
  });

  it('has no default where none is configured', () => {
    expect(() => setUp([], null).fleet.default()).toThrow(
      expect.objectContaining({ code: 'MODEL_NOT_FOUND' }),
    );
  });
});

describe('version and major', () => {
  it('answer at once with what the endpoint serves', async () => {
    const { fleet, loads } = setUp([endpoint('a', 'risk@production')]);
    await fleet.start();
    const own = fleet.default();
    expect(await fleet.version('a', byVersion('2.0.0'))).toBe(own);
    expect(await fleet.version('risk', byVersion('3'))).toBe(own);
    expect(await fleet.version('a', (named) => ({ ...named, by: 'alias', alias: 'production' }))).toBe(own);
    expect(await fleet.major(2)).toBe(own);
    expect(loads).toEqual([3]);
  });

  it('load another on demand, and answer with the same target after', async () => {
    const { fleet } = setUp([endpoint('a', 'risk@production')]);
    await fleet.start();
    const target = await eventually(() => fleet.major(1));
    expect(target.served.label).toBe('1.2.0');
    expect(target.endpoint).toBe('a');
    expect(await fleet.version('a', byVersion('2'))).toBe(target);
  });

  it('serve a registered model that no endpoint has', async () => {
    const { fleet } = setUp([]);
    const target = await eventually(() => fleet.version('risk', byVersion('1')));
    expect(target.endpoint).toBe('risk');
  });

  it('say what there is not', async () => {
    const { fleet } = setUp([endpoint('a', 'risk@production')]);
    await fleet.start();
    await expect(fleet.major(9)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
    await expect(fleet.version('a', byVersion('9'))).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
    await expect(fleet.version('zzz', byVersion('1'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('redact as the endpoint that was asked says, whichever asked first', async () => {
    const { fleet } = setUp([
      endpoint('open', 'risk@production'),
      endpoint('private', 'risk@production', { redact: () => ({ x: 'redacted' }) }),
    ]);
    await fleet.start();
    await eventually(() => fleet.version('open', byVersion('1')));
    const target = await fleet.version('private', byVersion('1'));
    expect(target.endpoint).toBe('private');
    expect(target.redact?.({ x: 'zip code' })).toEqual({ x: 'redacted' });
  });
});
