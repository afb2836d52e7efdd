import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ChannelCredentials, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { predictionLine } from '../../src/contracts/log-record.ts';
import { encodeRaw } from '../../src/contracts/oip/raw-tensor.ts';
import { failureOf, GrpcClient, rawCall } from '../support/grpc-client.ts';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';

const ROW = [17.99, 10.38, 122.8, 1001.0, 0.12];
const CITY = { age: 41.5, income: 11152.81, city: 'Łódź', plan: 'plus' };
const RISK = {
  server: { port: 0 },
  grpc: { enabled: true, port: 0 },
  endpoints: { risk: { model: 'risk' } },
  default_endpoint: 'risk',
};
const riskModel = { location: fixture('xgboost-binary'), name: 'risk' };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

type Server = Awaited<ReturnType<SourceServers['start']>>;
let servers: SourceServers;
let server: Server;
let client: GrpcClient;
let folder: string;
const clients: GrpcClient[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-grpc-'));
  servers = await buildSourceServers();
  server = await servers.start(
    {
      server: { port: 0 },
      grpc: { enabled: true, port: 0 },
      default_endpoint: 'credit',
      endpoints: { credit: { model: 'risk' }, city: { model: 'city' } },
    },
    [
      { location: fixture('xgboost-binary'), name: 'risk', semver: '1.2.0' },
      { location: fixture('sklearn-strings-zipmap'), name: 'city', exampleRows: [CITY] },
    ],
  );
  client = clientOf(server.grpcAddress as string);
}, 60_000);

afterAll(async () => {
  for (const one of clients) one.close();
  await servers.stop();
  await rm(folder, { recursive: true, force: true });
});

function clientOf(address: string, credentials?: ChannelCredentials): GrpcClient {
  const one = new GrpcClient(address, credentials);
  clients.push(one);
  return one;
}

function column(name: string, value: number | string): object {
  return typeof value === 'string'
    ? { name, datatype: 'BYTES', shape: [1], contents: { bytes_contents: [Buffer.from(value)] } }
    : { name, datatype: 'FP32', shape: [1], contents: { fp32_contents: [value] } };
}

const typedRow = {
  model_name: 'credit',
  id: 'call-7',
  inputs: ROW.map((value, place) => column(`f${place}`, value)),
};

async function predictOverHttp(features: object, endpoint: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.url}/models/${endpoint}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ features }),
  });
  return (await response.json()) as Record<string, unknown>;
}

function logLines(): Record<string, unknown>[] {
  return readdirSync(path.join(server.cwd, 'logs'))
    .filter((name) => /^predictions-/.test(name))
    .flatMap((name) => readFileSync(path.join(server.cwd, 'logs', name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

interface Answer {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: { readonly prediction_id: { readonly string_param: string } };
  readonly outputs: readonly { name: string; datatype: string; contents: Record<string, unknown[]> | null }[];
  readonly raw_output_contents: readonly Buffer[];
}

describe('an inference', () => {
  it('answers what the native API answers, and is logged with its trace', async () => {
    const features = Object.fromEntries(ROW.map((value, place) => [`f${place}`, value]));
    const native = await predictOverHttp(features, 'credit');
    const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, 'x-routing-key': 'customer-7' };
    const answer = (await client.call('ModelInfer', typedRow, headers)) as unknown as Answer;
    expect(answer).toMatchObject({ model_name: 'credit', model_version: '1.2.0', id: 'call-7' });
    expect(answer.outputs.map(({ name, datatype }) => [name, datatype])).toEqual([
      ['label', 'INT64'],
      ['probabilities', 'FP32'],
    ]);
    const [label, probabilities] = answer.outputs;
    expect(label?.contents?.['int64_contents']).toEqual([native['prediction']]);
    const [no, yes] = Object.values(native['probabilities'] as Record<string, number>);
    expect(probabilities?.contents?.['fp32_contents']?.[0]).toBeCloseTo(no as number, 6);
    expect(probabilities?.contents?.['fp32_contents']?.[1]).toBeCloseTo(yes as number, 6);
    const id = answer.parameters.prediction_id.string_param;
    const line = logLines().find((one) => one['event.id'] === id);
    expect(line).toMatchObject({
      dialect: 'oip-grpc',
      'trace.id': TRACE,
      key: 'customer-7',
      id: 'call-7',
      endpoint: 'credit',
    });
  });

  it('with raw contents is answered with raw contents, and the same', async () => {
    const typed = (await client.call('ModelInfer', typedRow)) as unknown as Answer;
    const matrix = {
      model_name: 'credit',
      inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 5] }],
      raw_input_contents: [encodeRaw({ datatype: 'FP32', data: ROW })],
    };
    const raw = (await client.call('ModelInfer', matrix)) as unknown as Answer;
    expect(raw.outputs.map(({ contents }) => contents)).toEqual([null, null]);
    const [label, probabilities] = raw.raw_output_contents.map((bytes) => Buffer.from(bytes));
    expect(label?.readBigInt64LE()).toBe(
      BigInt(typed.outputs[0]?.contents?.['int64_contents']?.[0] as number),
    );
    expect([probabilities?.readFloatLE(0), probabilities?.readFloatLE(4)]).toEqual(
      typed.outputs[1]?.contents?.['fp32_contents'],
    );
  });

  it('is logged as /predict logs it', async () => {
    const features = Object.fromEntries(ROW.map((value, place) => [`f${place}`, Math.fround(value)]));
    const { prediction_id } = await predictOverHttp(features, 'credit');
    const { parameters } = (await client.call('ModelInfer', typedRow)) as unknown as Answer;
    const [over, ours] = [prediction_id, parameters.prediction_id.string_param].map((id) => {
      const lines = logLines().filter((line) => line['event.id'] === id);
      expect(lines).toHaveLength(1);
      return predictionLine.parse(lines[0]);
    });
    const own = Object.fromEntries(
      (['@timestamp', 'event.id', 'trace.id', 'latency_ms'] as const).map((name) => [name, over?.[name]]),
    );
    expect({ ...ours, ...own }).toEqual({ ...over, dialect: 'oip-grpc', id: 'call-7' });
  });

  it('of texts answers as over HTTP', async () => {
    const native = await predictOverHttp(CITY, 'city');
    const inputs = Object.entries(CITY).map(([name, value]) => column(name, value));
    const answer = (await client.call('ModelInfer', { model_name: 'city', inputs })) as unknown as Answer;
    const [label] = answer.outputs;
    const [value] = Object.values(label?.contents ?? {})
      .flat()
      .filter((one) => one !== undefined);
    expect(value instanceof Uint8Array ? Buffer.from(value).toString() : value).toEqual(native['prediction']);
  });

  it('that does not fit has all that is wrong in its message', async () => {
    const error = await failureOf(
      client.call('ModelInfer', { model_name: 'credit', inputs: [column('f0', 'x'), column('g', 1)] }),
    );
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    for (const named of ['f0', 'g ', 'f1', 'f2', 'f3', 'f4']) expect(error.details).toContain(named);
  });

  it('of a model or version that is not there is NOT_FOUND', async () => {
    const messages = [
      { model_name: 'x' },
      { model_name: 'credit', model_version: '9' },
      { model_name: 'credit', model_version: '\0' },
      { model_name: '\0', model_version: '1' },
      { model_name: '\ufffd/..', model_version: '1' },
    ];
    for (const message of messages)
      expect((await failureOf(client.call('ModelInfer', message))).code).toBe(status.NOT_FOUND);
    const unload = failureOf(client.call('RepositoryModelUnload', { model_name: 'a\0b' }));
    expect((await unload).code).toBe(status.NOT_FOUND);
  });
});

describe('what the server says of itself', () => {
  it('is its name, models, statistics and repository', async () => {
    expect(await client.call('ServerLive', {})).toEqual({ live: true });
    expect(await client.call('ServerReady', {})).toEqual({ ready: true });
    expect(await client.call('ModelReady', { name: 'credit' })).toEqual({ ready: true });
    expect(await client.call('ServerMetadata', {})).toMatchObject({ name: 'slipway' });
    expect(await client.call('ModelMetadata', { name: 'credit' })).toMatchObject({
      versions: ['1.2.0'],
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 5] }],
    });
    expect(await client.call('ModelConfig', { name: 'city' })).toMatchObject({
      config: { input: expect.arrayContaining([expect.objectContaining({ data_type: 'TYPE_STRING' })]) },
    });
    await client.call('ModelInfer', typedRow);
    const { model_stats } = (await client.call('ModelStatistics', { name: 'credit' })) as {
      model_stats: { inference_count: number; inference_stats: { success: { count: number; ns: number } } }[];
    };
    expect(model_stats[0]?.inference_count).toBeGreaterThan(0);
    expect(model_stats[0]?.inference_stats.success.ns).toBeGreaterThan(0);
    const { models } = (await client.call('RepositoryIndex', { ready: true })) as {
      models: { name: string }[];
    };
    expect(models.map(({ name }) => name)).toEqual(expect.arrayContaining(['risk', 'credit', 'city']));
    const error = await failureOf(client.call('RepositoryModelUnload', { model_name: 'credit' }));
    expect([error.code, error.metadata.get('x-error-code')]).toEqual([
      status.FAILED_PRECONDITION,
      ['MODEL_IN_USE'],
    ]);
  });
});

describe('a stream of inferences', () => {
  it('answers in the order of the requests, and a fault is the answer to one of them', async () => {
    const stream = client.stream('ModelStreamInfer');
    const answers: { error_message: string; infer_response: Answer }[] = [];
    stream.on('data', (answer) => answers.push(answer));
    stream.write({ ...typedRow, id: '1' });
    stream.write({ ...typedRow, id: '2', inputs: [column('f0', 'x')] });
    stream.write({ ...typedRow, id: '3', model_name: 'nobody' });
    stream.write({ ...typedRow, id: '4' });
    stream.end();
    await once(stream, 'end');
    expect(answers.map(({ infer_response: { id } }) => id)).toEqual(['1', '2', '3', '4']);
    expect(answers.map(({ error_message }) => error_message)).toEqual([
      '',
      expect.stringContaining('f0 has the wrong datatype'),
      expect.stringContaining('no endpoint'),
      '',
    ]);
    expect(answers[3]?.infer_response.outputs).toHaveLength(2);
  });
});

describe('bounds', () => {
  it('a call whose deadline is over is refused, and no row of it is logged', async () => {
    const id = 'too-late';
    const late = await rawCall(server.grpcAddress as string, { ...typedRow, id }, { 'grpc-timeout': '1n' });
    expect(late['grpc-status']).toBe(String(status.DEADLINE_EXCEEDED));
    const { parameters } = (await client.call('ModelInfer', typedRow)) as unknown as Answer;
    const lines = logLines();
    expect(lines.some((line) => line['event.id'] === parameters.prediction_id.string_param)).toBe(true);
    expect(lines.some((line) => line['id'] === id)).toBe(false);
  });

  it('a message larger than server.body_limit_bytes is refused, and the next is answered', async () => {
    const small = await servers.start({ ...RISK, server: { port: 0, body_limit_bytes: 2_000 } }, [riskModel]);
    const asked = clientOf(small.grpcAddress as string);
    const large = { model_name: 'risk', raw_input_contents: [Buffer.alloc(3_000)] };
    expect((await failureOf(asked.call('ModelInfer', large))).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await asked.call('ModelInfer', { ...typedRow, model_name: 'risk' })).toMatchObject({
      id: 'call-7',
    });
  });
});

describe('a compressed message', () => {
  const gzip = { 'grpc-encoding': 'gzip' };

  it('is read, and one that is larger than the limit once inflated is refused', async () => {
    const address = server.grpcAddress as string;
    expect((await rawCall(address, typedRow, gzip))['grpc-status']).toBe(String(status.OK));
    const bomb = { model_name: 'credit', raw_input_contents: [Buffer.alloc(200 * 1024 * 1024)] };
    const refused = await rawCall(address, bomb, gzip);
    expect(refused['grpc-status']).toBe(String(status.RESOURCE_EXHAUSTED));
  });
});

describe('the API key', () => {
  it('is asked of every method but health, liveness and reflection', async () => {
    const KEY = 'a-key-for-these-tests';
    const keyed = await servers.start({ ...RISK, auth: { api_key: KEY } }, [riskModel]);
    const asked = clientOf(keyed.grpcAddress as string);
    const row = { ...typedRow, model_name: 'risk' };
    for (const [method, message] of [
      ['ModelInfer', row],
      ['ServerMetadata', {}],
      ['ModelReady', { name: 'risk' }],
      ['ModelMetadata', { name: 'risk' }],
      ['ModelConfig', { name: 'risk' }],
      ['ModelStatistics', { name: 'risk' }],
      ['RepositoryIndex', {}],
      ['RepositoryModelLoad', { model_name: 'risk' }],
      ['RepositoryModelUnload', { model_name: 'risk' }],
    ] as const) {
      expect([method, (await failureOf(asked.call(method, message))).code]).toEqual([
        method,
        status.UNAUTHENTICATED,
      ]);
      const wrong = failureOf(asked.call(method, message, { authorization: `Bearer ${KEY}s` }));
      expect([method, (await wrong).code]).toEqual([method, status.UNAUTHENTICATED]);
    }
    const [error] = (await once(asked.stream('ModelStreamInfer'), 'error')) as [{ code: number }];
    expect(error.code).toBe(status.UNAUTHENTICATED);
    expect(await asked.call('ModelInfer', row, { authorization: `Bearer ${KEY}` })).toMatchObject({
      id: 'call-7',
    });
    expect(await asked.call('ModelInfer', row, { 'x-api-key': KEY })).toMatchObject({ id: 'call-7' });
    expect(await asked.call('ServerLive', {})).toEqual({ live: true });
    expect(await asked.call('ServerReady', {})).toEqual({ ready: true });
    expect(await asked.call('grpc.health.v1.Health/Check', {})).toEqual({ status: 'SERVING' });
    const stream = asked.stream('grpc.reflection.v1.ServerReflection/ServerReflectionInfo');
    stream.write({ list_services: '*' });
    await once(stream, 'data');
    stream.end();
  });
});

describe('health', () => {
  it('is that of the required endpoints, by call and by watch, up to the end of the server', async () => {
    expect(await client.call('grpc.health.v1.Health/Check', {})).toEqual({ status: 'SERVING' });
    const unready = await servers.start(
      { ...RISK, endpoints: { risk: { model: 'risk' }, absent: { model: 'absent' } } },
      [riskModel],
    );
    const half = clientOf(unready.grpcAddress as string);
    expect(await half.call('grpc.health.v1.Health/Check', {})).toEqual({ status: 'NOT_SERVING' });
    expect(await half.call('ServerReady', {})).toEqual({ ready: false });
    expect(await half.call('ServerLive', {})).toEqual({ live: true });
    const ending = await servers.start(RISK, [riskModel]);
    const watch = clientOf(ending.grpcAddress as string).watch('grpc.health.v1.Health/Watch', {});
    expect(await once(watch, 'data')).toEqual([{ status: 'SERVING' }]);
    const last = once(watch, 'data');
    const ended = once(watch, 'error') as Promise<[{ code: number }]>;
    const stopped = ending.stop();
    expect(await last).toEqual([{ status: 'NOT_SERVING' }]);
    expect((await ended)[0].code).toBe(status.UNAVAILABLE);
    await stopped;
  });
});

describe('TLS', () => {
  it('has the files of HTTP, and asks for a certificate where there is an authority', async () => {
    const made = spawnSync('openssl', [
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost'.split(
        ' ',
      ),
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-keyout', path.join(folder, 'key.pem'), '-out', path.join(folder, 'cert.pem')],
    ]);
    expect(made.status, String(made.stderr)).toBe(0);
    const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
    const tls = { cert_file: cert, key_file: key };
    const open = await servers.start({ ...RISK, server: { port: 0, tls } }, [riskModel]);
    const mutual = await servers.start({ ...RISK, server: { port: 0, tls: { ...tls, ca_file: cert } } }, [
      riskModel,
    ]);
    const authority = readFileSync(cert);
    const known = ChannelCredentials.createSsl(authority, readFileSync(key), readFileSync(cert));
    const unknown = ChannelCredentials.createSsl(authority);
    const soon = () => ({ deadline: Date.now() + 10_000 });
    const ask = (to: Server, credentials?: ChannelCredentials) =>
      clientOf(to.grpcAddress as string, credentials).call('ServerReady', {}, {}, soon());
    expect(await ask(open, unknown)).toEqual({ ready: true });
    expect((await failureOf(ask(open))).code).toBe(status.UNAVAILABLE);
    expect(await ask(mutual, known)).toEqual({ ready: true });
    expect((await failureOf(ask(mutual, unknown))).code).toBe(status.UNAVAILABLE);
  });
});
