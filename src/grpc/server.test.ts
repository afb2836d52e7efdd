import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { failureOf, GrpcClient } from '../../test/support/grpc-client.ts';
import { HandClock } from '../../test/support/serving-fakes.ts';
import type { Caller, InferenceService, InferRequest, InferResponse } from '../dialects/oip/protocol.ts';
import { AppError } from '../kernel/errors.ts';
import type { LogFields, Logger } from '../kernel/logger.ts';
import { silentLogger } from '../kernel/logger.ts';
import { createGrpcListener, type GrpcListener, type GrpcOptions } from './server.ts';

/** Echoes the inputs of a request; one for the model `slow` waits until a test lets it go. */
class EchoService implements InferenceService {
  isReady = true;
  readonly seen: { readonly request: InferRequest; readonly caller: Caller }[] = [];
  fault: Error | null = null;
  #waiting: (() => void)[] = [];
  #seen: (() => void)[] = [];

  server = () => ({ name: 'slipway', version: '1', extensions: ['statistics'] });
  live = () => true;
  ready = () => this.isReady;
  modelReady = async () => this.isReady;
  load = async (): Promise<void> => undefined;
  unload = async (): Promise<void> => undefined;
  index = async () => [{ name: 'm', version: '1', state: 'READY' as const, reason: '' }];
  statistics = async () => [];
  model = async (name: string) => ({
    name,
    versions: ['1'],
    platform: 'onnxruntime_onnx',
    inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [-1, 4] }],
    outputs: [],
    properties: {},
  });
  config = async (name: string) => ({ name, platform: 'p', maxBatchSize: 8, inputs: [], outputs: [] });

  async infer(request: InferRequest, caller: Caller): Promise<InferResponse> {
    this.seen.push({ request, caller });
    for (const seen of this.#seen.splice(0)) seen();
    if (request.modelName === 'slow') await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.fault !== null) throw this.fault;
    const { modelName, id, inputs } = request;
    const outputs = inputs as InferResponse['outputs'];
    return { modelName, modelVersion: '1', id, parameters: {}, outputs };
  }

  /** Resolves when the next request has come. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#seen.push(resolve));
  }

  release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}

const OPTIONS: GrpcOptions = {
  bodyLimitBytes: 100_000,
  maxConnectionAgeMs: 600_000,
  graceMs: 5_000,
  tls: undefined,
  apiKey: undefined,
};
const KEY = 'a-key-for-the-tests';
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Running {
  readonly service: EchoService;
  readonly listener: GrpcListener;
  readonly clock: HandClock;
  readonly port: number;
  readonly client: GrpcClient;
}

async function start(change: Partial<GrpcOptions> = {}, logger: Logger = silentLogger): Promise<Running> {
  const service = new EchoService();
  const clock = new HandClock();
  clock.wall = Date.now();
  const listener = createGrpcListener({ ...OPTIONS, ...change }, { service, clock, logger });
  const port = await listener.listen('127.0.0.1', 0);
  closers.push(() => {
    service.release();
    return listener.drain(0);
  });
  return { service, listener, clock, port, client: clientOf(`127.0.0.1:${port}`) };
}

function clientOf(address: string): GrpcClient {
  const client = new GrpcClient(address);
  closers.push(() => client.close());
  return client;
}

function infer(id: string, model = 'm'): { readonly [name: string]: unknown } {
  return {
    model_name: model,
    id,
    inputs: [{ name: 'x', datatype: 'INT64', shape: [1], contents: { int64_contents: [Number(id)] } }],
  };
}

describe('a call', () => {
  it('has the trace and the routing key of its metadata', async () => {
    const { service, client } = await start();
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    await client.call('ModelInfer', infer('1'), {
      traceparent: `00-${trace}-00f067aa0ba902b7-01`,
      'x-routing-key': 'customer-7',
      'x-correlation-id': 'c'.repeat(1_000),
    });
    await client.call('ModelInfer', infer('2'));
    expect(service.seen.map(({ caller }) => caller)).toEqual([
      {
        traceId: trace,
        routingKey: 'customer-7',
        correlationId: 'c'.repeat(256),
        receivedAt: 1_000,
        dialect: 'oip-grpc',
      },
      {
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        routingKey: undefined,
        receivedAt: 1_000,
        dialect: 'oip-grpc',
      },
    ]);
  });

  it('that is past its deadline is not run', async () => {
    const { service, client, clock } = await start();
    clock.wall += 60_000;
    const error = await failureOf(
      client.call('ModelInfer', infer('1'), {}, { deadline: Date.now() + 30_000 }),
    );
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    expect(error.metadata.get('x-error-code')).toEqual(['DEADLINE_EXCEEDED']);
    expect(service.seen).toEqual([]);
  });

  it('that the client gives up is answered to nobody', async () => {
    const { service, client } = await start();
    const given = failureOf(
      client.call('ModelInfer', infer('1', 'slow'), {}, { deadline: Date.now() + 300 }),
    );
    expect((await given).code).toBe(status.DEADLINE_EXCEEDED);
    service.release();
    expect(await client.call('ModelInfer', infer('2'))).toMatchObject({ id: '2' });
  });

  it('fails with the code of what is wrong, and says when to come back', async () => {
    const { service, client } = await start();
    const cases = [
      [new AppError('MODEL_NOT_FOUND', 'no'), status.NOT_FOUND],
      [new AppError('OVERLOADED', 'no', { retryAfterSeconds: 2 }), status.UNAVAILABLE],
      [new AppError('DEADLINE_EXCEEDED', 'no'), status.DEADLINE_EXCEEDED],
      [new AppError('BODY_TOO_LARGE', 'no'), status.RESOURCE_EXHAUSTED],
      [new AppError('INPUT_INVALID', 'no'), status.INVALID_ARGUMENT],
      [new AppError('MODEL_IN_USE', 'no'), status.FAILED_PRECONDITION],
    ] as const;
    for (const [fault, code] of cases) {
      service.fault = fault;
      const error = await failureOf(client.call('ModelInfer', infer('1')));
      expect([error.code, error.details]).toEqual([code, 'no']);
      expect(error.metadata.get('x-error-code')).toEqual([fault.code]);
      const pushback = fault.retryAfterSeconds === undefined ? [] : ['2000'];
      expect(error.metadata.get('grpc-retry-pushback-ms')).toEqual(pushback);
    }
  });

  it('names as many problems as fit, whatever they are made of', async () => {
    const { service, client } = await start();
    const problems = Array.from({ length: 20 }, (_, i) => ({ path: `é${i}`, message: '☃'.repeat(200) }));
    service.fault = new AppError('INPUT_INVALID', 'no', { problems });
    const error = await failureOf(client.call('ModelInfer', infer('1')));
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toMatch(/é0 ☃+.*…$/);
  });

  it('that broke inside says nothing of it, and the log all', async () => {
    const lines: [string, LogFields | undefined][] = [];
    const logger = {
      ...silentLogger,
      error: (text: string, fields?: LogFields) => lines.push([text, fields]),
    };
    const { service, client } = await start({}, logger);
    service.fault = new Error('the password is 1234');
    const error = await failureOf(client.call('ModelInfer', infer('1')));
    expect(error.code).toBe(status.INTERNAL);
    expect(error.details).not.toContain('1234');
    const [requestId] = error.metadata.get('x-request-id');
    expect(error.details).toContain(requestId);
    expect(lines).toEqual([
      ['the password is 1234', expect.objectContaining({ 'trace.id': requestId, error: expect.anything() })],
    ]);
  });

  it.each(['ModelInfer', 'ModelMetadata', 'grpc.health.v1.Health/Check'])(
    '%s with bytes that are no message is the fault of the caller',
    async (name) => {
      const { client } = await start();
      const error = await failureOf(client.bytes(name, Buffer.from([0x0a, 0xff])));
      expect([error.code, error.metadata.get('x-error-code')]).toEqual([
        status.INVALID_ARGUMENT,
        ['REQUEST_MALFORMED'],
      ]);
    },
  );

  it('larger than the limit is refused, and the next is answered', async () => {
    const { client } = await start({ bodyLimitBytes: 1_000 });
    const large = { model_name: 'x'.repeat(2_000) };
    expect((await failureOf(client.call('ModelInfer', large))).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await client.call('ModelInfer', infer('1'))).toMatchObject({ id: '1' });
  });

  it('for what is not there says what to do instead', async () => {
    const { client } = await start();
    for (const [name, text] of [
      ['SystemSharedMemoryStatus', /memory/],
      ['CudaSharedMemoryRegister', /memory/],
      ['TraceSetting', /traceparent/],
      ['LogSettings', /logging.level/],
    ] as const) {
      const error = await failureOf(client.bytes(name, Buffer.alloc(0)));
      expect([error.code, error.details]).toEqual([status.UNIMPLEMENTED, expect.stringMatching(text)]);
    }
  });
});

describe('who may call', () => {
  const load = { model_name: 'm' };

  it('with a key configured: whoever has it, and health for all', async () => {
    const { client } = await start({ apiKey: KEY });
    expect((await failureOf(client.call('ModelInfer', infer('1')))).code).toBe(status.UNAUTHENTICATED);
    expect((await failureOf(client.call('ServerMetadata', {}, { 'x-api-key': 'wrong' }))).code).toBe(
      status.UNAUTHENTICATED,
    );
    expect((await failureOf(client.call('RepositoryModelLoad', load))).code).toBe(status.UNAUTHENTICATED);
    const stream = client.stream('ModelStreamInfer');
    const [error] = (await once(stream, 'error')) as [ServiceError];
    expect(error.code).toBe(status.UNAUTHENTICATED);
    await client.call('ModelInfer', infer('1'), { authorization: `Bearer ${KEY}` });
    await client.call('RepositoryModelLoad', load, { 'x-api-key': KEY });
    await client.call('ServerLive', {});
    await client.call('grpc.health.v1.Health/Check', {});
  });

  it('without one: anybody may read, and this machine may change', async () => {
    const { client, port } = await start();
    await client.call('RepositoryModelUnload', {
      model_name: 'm',
      parameters: { unload_dependents: { bool_param: false } },
    });
    const forwarded = { 'x-forwarded-for': '203.0.113.9' };
    expect((await failureOf(client.call('RepositoryModelLoad', load, forwarded))).code).toBe(
      status.PERMISSION_DENIED,
    );
    await client.call('ModelInfer', infer('1'), forwarded);
    const rebound = new GrpcClient(`127.0.0.1:${port}`, undefined, {
      'grpc.default_authority': 'evil.example',
    });
    closers.push(() => rebound.close());
    expect((await failureOf(rebound.call('RepositoryModelLoad', load))).code).toBe(status.PERMISSION_DENIED);
  });
});

describe('the repository', () => {
  it("takes the name where KServe's client and where Triton's has it", async () => {
    const { client } = await start();
    const loaded = { model_name: 'm', is_loaded: true };
    expect(await client.call('RepositoryModelLoad', { model_name: 'm' })).toEqual(loaded);
    expect(await client.call('RepositoryModelLoad', { repository_name: 'm' })).toEqual(loaded);
  });

  it.each([
    [{}, 'model_name'],
    [{ model_name: 'm', repository_name: 'r' }, 'repository'],
    [{ model_name: 'm', parameters: { config: { string_param: '{}' } } }, 'parameters.config'],
  ])('refuses to load with %j', async (message, named) => {
    const { client } = await start();
    const error = await failureOf(client.call('RepositoryModelLoad', message));
    expect([error.code, error.details]).toEqual([status.INVALID_ARGUMENT, expect.stringContaining(named)]);
  });
});

describe('a stream of inferences', () => {
  it('is answered in order, and a failure does not end it', async () => {
    const { service, client } = await start();
    const stream = client.stream('ModelStreamInfer');
    const answers: { error_message: string; infer_response: { id: string } }[] = [];
    stream.on('data', (answer) => answers.push(answer));
    const first = service.next();
    stream.write(infer('1', 'slow'));
    await first;
    stream.write({ model_name: 'm', id: '2', inputs: [{ name: 'x', datatype: 'NONE' }] });
    const third = service.next();
    stream.write(infer('3'));
    await third;
    expect(answers).toEqual([]);
    service.release();
    stream.end();
    await once(stream, 'end');
    expect(answers.map(({ infer_response }) => infer_response?.id)).toEqual(['1', '2', '3']);
    expect(answers.map(({ error_message }) => error_message !== '')).toEqual([false, true, false]);
    expect(answers[1]?.error_message).toContain('x has an unknown datatype');
  });

  it('with more than it takes at once is answered all the same', async () => {
    const { client } = await start();
    const stream = client.stream('ModelStreamInfer');
    let answered = 0;
    stream.on('data', () => answered++);
    for (let i = 0; i < 500; i++) stream.write(infer(String(i)));
    stream.end();
    await once(stream, 'end');
    expect(answered).toBe(500);
  });
});

describe('health', () => {
  const NAME = 'grpc.health.v1.Health';

  it('is that of the endpoints', async () => {
    const { service, client } = await start();
    for (const asked of ['', 'inference.GRPCInferenceService'])
      expect(await client.call(`${NAME}/Check`, { service: asked })).toEqual({ status: 'SERVING' });
    service.isReady = false;
    expect(await client.call(`${NAME}/Check`, {})).toEqual({ status: 'NOT_SERVING' });
    expect((await failureOf(client.call(`${NAME}/Check`, { service: 'x' }))).code).toBe(status.NOT_FOUND);
  });

  it('is told when it changes, and at the end', async () => {
    const { service, client, listener } = await start();
    const watch = client.watch(`${NAME}/Watch`, {});
    const unknown = client.watch(`${NAME}/Watch`, { service: 'x' });
    unknown.on('error', () => undefined);
    expect(await once(unknown, 'data')).toEqual([{ status: 'SERVICE_UNKNOWN' }]);
    expect(await once(watch, 'data')).toEqual([{ status: 'SERVING' }]);
    service.isReady = false;
    expect(await once(watch, 'data')).toEqual([{ status: 'NOT_SERVING' }]);
    service.isReady = true;
    expect(await once(watch, 'data')).toEqual([{ status: 'SERVING' }]);
    const last = once(watch, 'data');
    const ended = once(watch, 'error');
    const drained = listener.drain(5_000);
    expect(await last).toEqual([{ status: 'NOT_SERVING' }]);
    expect(((await ended) as [ServiceError])[0].code).toBe(status.UNAVAILABLE);
    await drained;
  });
});

describe('the drain', () => {
  it('answers what is under way and sends a client elsewhere, who sees no failure', async () => {
    const [old, other] = [await start(), await start()];
    const both = clientOf(`ipv4:127.0.0.1:${old.port},127.0.0.1:${other.port}`);
    const slow = old.service.next();
    const underWay = both.call('ModelInfer', infer('1', 'slow'));
    await slow;
    let stop = false;
    let done = 0;
    const load = Promise.all(
      Array.from({ length: 16 }, async () => {
        while (!stop) {
          await both.call('ModelInfer', infer('2'));
          done++;
        }
      }),
    );
    await expect.poll(() => done).toBeGreaterThan(100);
    const drained = old.listener.drain(10_000);
    await expect.poll(() => other.service.seen.length).toBeGreaterThan(100);
    stop = true;
    await load;
    old.service.release();
    expect(await underWay).toMatchObject({ id: '1' });
    await drained;
  });

  it('ends a stream when all that it sent is answered', async () => {
    const { service, client, listener } = await start();
    const stream = client.stream('ModelStreamInfer');
    const answered = once(stream, 'data');
    const failed = once(stream, 'error');
    const first = service.next();
    stream.write(infer('1', 'slow'));
    await first;
    const drained = listener.drain(10_000);
    service.release();
    expect(await answered).toMatchObject([{ infer_response: { id: '1' } }]);
    expect(((await failed) as [ServiceError])[0].code).toBe(status.UNAVAILABLE);
    await drained;
  });

  it('ends with its time, whatever is under way', async () => {
    const { service, client, listener } = await start();
    const slow = service.next();
    const failed = failureOf(client.call('ModelInfer', infer('1', 'slow')));
    await slow;
    await listener.drain(50);
    expect(await failed).toBeDefined();
  });
});

describe('a connection', () => {
  it('of an age takes no new calls, and its client opens another without a failure', async () => {
    const { port } = await start({ maxConnectionAgeMs: 50 });
    let connections = 0;
    const proxy = createServer((incoming) => {
      connections++;
      const outgoing = connect(port, '127.0.0.1');
      incoming.pipe(outgoing).pipe(incoming);
      for (const socket of [incoming, outgoing]) socket.on('error', () => undefined);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    closers.push(() => proxy.close());
    const client = clientOf(`127.0.0.1:${(proxy.address() as { port: number }).port}`);
    for (let i = 0; connections < 4 && i < 100_000; i++) await client.call('ModelInfer', infer('1'));
    expect(connections).toBeGreaterThan(3);
  });
});

describe('listening', () => {
  it('on a port that is taken says so', async () => {
    const { port } = await start();
    const second = createGrpcListener(OPTIONS, {
      service: new EchoService(),
      clock: new HandClock(),
      logger: silentLogger,
    });
    await expect(second.listen('127.0.0.1', port)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('--grpc-port'),
    });
  });
});
