import { describe, expect, it } from 'vitest';
import {
  aField,
  aServedVersion,
  aSignature,
  aVersion,
  FakeModel,
  FakeRegistry,
  HandClock,
} from '../../../test/support/serving-fakes.ts';
import type { InputTensor } from '../../contracts/oip/tensor.ts';
import { AppError } from '../../kernel/errors.ts';
import { silentLogger } from '../../kernel/logger.ts';
import type { RegisteredModel } from '../../models/model-version.ts';
import type { Signature } from '../../models/signature.ts';
import { Fleet } from '../../serving/fleet.ts';
import { Predictor } from '../../serving/predictor.ts';
import { createServingMeter } from '../../serving/serving-meter.ts';
import { VersionPool } from '../../serving/version-pool.ts';
import { createPrometheusMeter } from '../../telemetry/prometheus-meter.ts';
import { errorText } from './error-text.ts';
import { createInferenceService } from './inference-service.ts';
import type { InferRequest } from './protocol.ts';

const VERSIONS = [aVersion({ number: 2, semver: '2.0.0' }), aVersion({ number: 1 })];
const MODELS: readonly RegisteredModel[] = [
  { name: 'risk', versions: VERSIONS },
  { name: 'spare', versions: [aVersion({ model: 'spare', number: 1, semver: '1.0.0' })] },
];
const SIGNATURE: Signature = {
  ...aSignature([aField('x')]),
  tensors: {
    matrix: null,
    outputs: [{ name: 'y', type: 'float32', shape: [1], holds: { is: 'prediction' } }],
  },
};

async function setUp() {
  const clock = new HandClock();
  const meter = createServingMeter(createPrometheusMeter({ clock }));
  const registry = new FakeRegistry(MODELS);
  const broken = new Set<string>();
  const lines: string[] = [];
  const pool = new VersionPool({
    clock,
    logger: silentLogger,
    onDemandVersions: 1,
    load: async (version) => {
      if (broken.has(version.model)) throw new AppError('DIGEST_MISMATCH', 'model.onnx differs');
      const model = new FakeModel(SIGNATURE);
      model.onRun = () => clock.advance(3);
      return aServedVersion(version, model, clock);
    },
  });
  const fleet = new Fleet({
    registry,
    pool,
    meter,
    logger: silentLogger,
    endpoints: [
      {
        name: 'credit',
        reference: 'risk',
        required: true,
        redact: null,
        redactedFields: [],
        onSignatureChange: 'refuse',
        refusal: null,
      },
    ],
    clock,
    lastServed: { read: async () => null, write: async () => undefined },
    keepPrevious: 1,
    rollbackWindowMs: 60_000,
    defaultEndpoint: 'credit',
    statusOf: () => 400,
  });
  const predictor = new Predictor({
    log: {
      failure: null,
      append: async (line: string) => {
        lines.push(line);
      },
    },
    clock,
    meter,
    onUnwritable: 'refuse',
    rejectedPerSecond: 50,
    maxRequestRows: 3,
    deadlineMs: 10_000,
  });
  const service = createInferenceService({
    fleet,
    registry,
    predictor,
    version: '1.2.3',
    ready: () => fleet.ready,
    tallyOf: (version) => meter.tally(version),
    maxRequestRows: 3,
  });
  const infer = (change: Partial<InferRequest>, x: InputTensor['data'] = [4]) =>
    service.infer(
      {
        modelName: 'credit',
        modelVersion: '',
        id: undefined,
        parameters: {},
        inputs: [{ name: 'x', datatype: 'FP32', shape: [x.length, 1], data: x }],
        outputs: null,
        ...change,
      },
      { traceId: 'f'.repeat(32), routingKey: undefined, receivedAt: clock.elapsed(), dialect: 'oip-rest' },
    );
  return { service, fleet, infer, broken, lines };
}

async function started() {
  const parts = await setUp();
  await parts.fleet.start();
  return parts;
}

const refusal = (asked: Promise<unknown>): Promise<AppError> =>
  asked.then(
    () => {
      throw new Error('it was answered');
    },
    (error: unknown) => error as AppError,
  );

describe('infer', () => {
  it('answers all rows with the version that made the answer, and the id', async () => {
    const { infer, lines } = await started();
    const answer = await infer({ id: 'order 7' }, [1, 2.5]);
    expect(answer).toMatchObject({ modelName: 'credit', modelVersion: '2.0.0', id: 'order 7' });
    expect(answer.outputs).toEqual([
      { name: 'y', datatype: 'FP32', shape: [2, 1], data: new Float32Array([2, 5]) },
    ]);
    const ids = String(answer.parameters['prediction_ids']).split(',');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ 'event.id': ids[0], id: 'order 7', dialect: 'oip-rest', input: { x: 1 } }),
      expect.objectContaining({ 'event.id': ids[1], prediction: 5 }),
    ]);
  });

  it('names one prediction by itself', async () => {
    const { infer, lines } = await started();
    const { parameters } = await infer({});
    expect(parameters).toEqual({ prediction_id: JSON.parse(lines[0] as string)['event.id'] });
  });

  it('names every fault of inputs and outputs at once, counts it and logs it', async () => {
    const { infer, lines, service } = await started();
    const inputs: InputTensor[] = [{ name: 'z', datatype: 'FP32', shape: [1], data: [1] }];
    const error = await refusal(infer({ inputs, outputs: [{ name: 'q', parameters: {} }] }));
    expect(error).toMatchObject({ code: 'INPUT_INVALID' });
    expect(error.problems.map(({ path }) => path)).toEqual(['z', 'x', 'q']);
    expect(errorText(error, 'f')).toBe(
      'The input does not fit the signature of the model: z is not an input of this model; x is missing (takes number (float32)); q is not an output of this model',
    );
    expect(JSON.parse(lines[0] as string)).toMatchObject({ 'event.outcome': 'rejected' });
    expect((await service.statistics('credit', '2'))[0]?.fail.count).toBe(1);
  });

  it('refuses a value that the signature does not take, as /predict does', async () => {
    const { infer } = await started();
    const error = await refusal(infer({}, [1, Number.NaN]));
    expect(error.problems).toEqual([
      expect.objectContaining({ path: '[1].x', message: 'is not a finite number' }),
    ]);
  });

  it('refuses more rows than a request may have', async () => {
    const { infer } = await started();
    expect(await refusal(infer({}, [1, 2, 3, 4]))).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  it.each(['', '2', '2.0.0'])('takes the version "%s" for the one that is served', async (modelVersion) => {
    const { infer } = await started();
    expect((await infer({ modelVersion })).modelVersion).toBe('2.0.0');
  });

  it('loads another version when it is asked for', async () => {
    const { infer, service } = await started();
    expect(await service.modelReady('credit', '1')).toBe(false);
    expect(await refusal(infer({ modelVersion: '1' }))).toMatchObject({ code: 'NOT_READY' });
    expect((await infer({ modelVersion: '1' })).modelVersion).toBe('1');
    expect(await service.modelReady('credit', '1')).toBe(true);
    expect(await refusal(infer({ modelVersion: '9' }))).toMatchObject({ code: 'VERSION_NOT_FOUND' });
  });
});

describe('what the service says of itself', () => {
  it('is the server with its extensions', async () => {
    const { service } = await setUp();
    expect(service.server()).toMatchObject({ name: 'slipway', version: '1.2.3' });
    expect(service.ready()).toBe(false);
    expect(await service.modelReady('credit', '')).toBe(false);
    expect(await refusal(service.modelReady('nobody', ''))).toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('is a model with the tensors that it takes and answers', async () => {
    const { service } = await started();
    expect(await service.model('credit', '')).toMatchObject({
      name: 'credit',
      versions: ['1', '2.0.0'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
      properties: { model: 'risk', version: '2.0.0', number: '2' },
    });
    expect(await service.config('risk', '2')).toMatchObject({ maxBatchSize: 3, inputs: [{ dims: [1] }] });
  });

  it('is what versions did', async () => {
    const { service, infer } = await started();
    await infer({}, [1, 2]);
    await infer({});
    const [only, ...others] = await service.statistics('', '');
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      name: 'risk',
      version: '2.0.0',
      inferenceCount: 3,
      lastInference: Date.UTC(2026, 2, 1, 10) + 6,
      success: { count: 2, ns: 6_000_000 },
      fail: { count: 0, ns: 0 },
      computeInfer: { count: 2, ns: 6_000_000 },
    });
    expect(await service.statistics('credit', '')).toHaveLength(1);
    expect(await refusal(service.statistics('nobody', ''))).toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('is what lies in the repository', async () => {
    const { service } = await started();
    const entries = (await service.index(false)).map(({ name, version, state }) => [name, version, state]);
    expect(entries).toEqual([
      ['risk', '2.0.0', 'READY'],
      ['risk', '1', 'UNAVAILABLE'],
      ['spare', '1.0.0', 'UNAVAILABLE'],
      ['credit', '2.0.0', 'READY'],
    ]);
    expect(await service.index(true)).toHaveLength(2);
  });
});

describe('load and unload', () => {
  it('make a registered model answer by its name, and forget it', async () => {
    const { service, infer } = await started();
    expect(await refusal(infer({ modelName: 'spare' }))).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await service.load('spare');
    expect((await infer({ modelName: 'spare' })).modelVersion).toBe('1.0.0');
    await service.unload('spare');
    expect(await refusal(infer({ modelName: 'spare' }))).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(await service.modelReady('spare', '1.0.0')).toBe(false);
  });

  it('refuse what an endpoint serves, and what nobody knows', async () => {
    const { service } = await started();
    for (const name of ['credit', 'risk'])
      expect(await refusal(service.unload(name))).toMatchObject({ code: 'MODEL_IN_USE' });
    for (const change of [service.load('nobody'), service.unload('nobody')])
      expect(await refusal(change)).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await service.load('credit');
  });

  it('try an endpoint and a model again that were refused', async () => {
    const { service, broken, fleet, infer } = await setUp();
    broken.add('risk').add('spare');
    await fleet.start();
    for (const name of ['credit', 'spare'])
      expect(await refusal(service.load(name))).toMatchObject({ code: 'DIGEST_MISMATCH' });
    broken.clear();
    await service.load('credit');
    await service.load('spare');
    expect((await infer({ modelName: 'risk' })).outputs).toHaveLength(1);
    expect(service.ready()).toBe(true);
  });
});
