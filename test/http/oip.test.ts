import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';

const ROW = [17.99, 10.38, 122.8, 1001.0, 0.12];
const OTHER = [13.34, 15.86, 86.49, 520.0, 0.11];
const KEY = 'a-key-for-the-tests';
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** Of the part before binary data. */
  readonly json: Record<string, never> & { [name: string]: unknown };
}

const rowOf = (row: readonly number[]) => Object.fromEntries(row.map((value, i) => [`f${i}`, value]));

type Server = Awaited<ReturnType<SourceServers['start']>>;
let servers: SourceServers;
let server: Server;
let keyed: Server;

beforeAll(async () => {
  servers = await buildSourceServers();
  const risk = { location: fixture('xgboost-binary'), name: 'risk' };
  server = await servers.start(
    {
      server: { port: 0, body_limit_bytes: 1_000_000 },
      serving: { max_request_rows: 5_000 },
      default_endpoint: 'credit',
      endpoints: {
        credit: { model: 'risk@production' },
        city: { model: 'city' },
        types: { model: 'types' },
        echo: { model: 'echo' },
        image: { model: 'image' },
        wide: { model: 'wide' },
      },
    },
    [
      { ...risk, semver: '1.0.0', exampleRows: [rowOf(ROW)] },
      { ...risk, semver: '2.0.0', exampleRows: [rowOf(OTHER)], aliases: ['production'] },
      { location: fixture('sklearn-strings-nozipmap'), name: 'city' },
      { location: fixture('all-numeric-types'), name: 'types' },
      { location: fixture('string-output'), name: 'echo' },
      { location: fixture('torch-style-image'), name: 'image' },
      { location: fixture('dynamic-width'), name: 'wide' },
      { location: fixture('sklearn-ridge'), name: 'spare', semver: '0.1.0' },
    ],
  );
  keyed = await servers.start(
    {
      server: { port: 0, body_limit_bytes: 2_000 },
      auth: { api_key: KEY },
      serving: { max_request_rows: 3 },
      endpoints: { plain: { model: 'plain' }, later: { model: 'absent' } },
      default_endpoint: 'plain',
    },
    [{ location: fixture('xgboost-binary'), name: 'plain' }],
  );
}, 60_000);

afterAll(() => servers.stop());

/** As the protocol's clients send it: a body of bytes has no content type unless one is given. */
async function send(
  method: string,
  at: string,
  {
    body,
    headers = {},
    to = server,
  }: { body?: Buffer | object; headers?: Record<string, string>; to?: Server } = {},
): Promise<Reply> {
  const content = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const response = await fetch(`${to.url}${at}`, {
    method,
    headers,
    ...(content !== undefined && { body: new Uint8Array(content) }),
    signal: AbortSignal.timeout(10_000),
  });
  const received = Buffer.from(await response.arrayBuffer());
  const length = response.headers.get('inference-header-content-length');
  const text = received.subarray(0, length === null ? received.length : Number(length)).toString();
  return {
    status: response.status,
    headers: response.headers,
    body: received,
    json: text === '' ? null : JSON.parse(text),
  };
}

const get = (at: string, to = server): Promise<Reply> => send('GET', at, { to });
const post = (at: string, body?: Buffer | object, headers: Record<string, string> = {}): Promise<Reply> =>
  send('POST', at, { ...(body !== undefined && { body }), headers });

const fp32 = (data: unknown, shape: readonly unknown[] = [1, 5]): object => ({
  name: 'input',
  shape,
  datatype: 'FP32',
  data,
});
const infer = (change: object = {}, headers: Record<string, string> = {}): Promise<Reply> =>
  post('/v2/models/credit/infer', { inputs: [fp32(ROW)], ...change }, headers);

/** JSON with raw tensors behind it. */
function withBinary(
  request: object,
  ...parts: readonly Buffer[]
): { body: Buffer; headers: Record<string, string> } {
  const json = Buffer.from(JSON.stringify(request));
  return {
    body: Buffer.concat([json, ...parts]),
    headers: { 'Inference-Header-Content-Length': String(json.length) },
  };
}

const floats = (values: readonly number[]): Buffer => Buffer.from(new Float32Array(values).buffer);

/** The binary output of that place. */
function binaryOf(reply: Reply, place: number): Buffer {
  const outputs = reply.json['outputs'] as unknown as { parameters: { binary_data_size: number } }[];
  const sizes = outputs.map(({ parameters }) => parameters.binary_data_size);
  const start =
    Number(reply.headers.get('inference-header-content-length')) +
    sizes.slice(0, place).reduce((a, b) => a + b, 0);
  return reply.body.subarray(start, start + (sizes[place] as number));
}

function expectError(reply: Reply, status: number, text: string | RegExp): void {
  expect(reply.json['error']).toMatch(text);
  expect(reply.status).toBe(status);
  expect(reply.headers.get('content-type')).toBe('application/json');
  expect(Object.keys(reply.json)).toEqual(['error']);
}

function logLines(of: Server): Record<string, unknown>[] {
  const logs = path.join(of.cwd, 'logs');
  return readdirSync(logs)
    .filter((name) => name.startsWith('predictions-'))
    .flatMap((name) => readFileSync(path.join(logs, name), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('server and models', () => {
  it('says its name, version and what works', async () => {
    const { json, headers } = await get('/v2');
    expect(json).toEqual({
      name: 'slipway',
      version: expect.any(String),
      extensions: [
        'binary_tensor_data',
        'classification',
        'model_configuration',
        'model_repository',
        'statistics',
      ],
    });
    expect(headers.get('content-type')).toBe('application/json');
  });

  it('is live and ready, both in both', async () => {
    for (const at of ['/v2/health/live', '/v2/health/ready']) {
      const { json, status } = await get(at);
      expect([status, json]).toEqual([200, { live: true, ready: true }]);
    }
  });

  it('is not ready while a required endpoint cannot answer', async () => {
    expect((await get('/v2/health/live', keyed)).json).toEqual({ live: true, ready: false });
    const { json, status } = await get('/v2/health/ready', keyed);
    expect(status).toBe(503);
    expect(json).toMatchObject({ live: true, ready: false, error: expect.any(String) });
  });

  it('describes a model and each of its versions', async () => {
    expect((await get('/v2/models/credit')).json).toMatchObject({
      name: 'credit',
      versions: ['1.0.0', '2.0.0'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 5] }],
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [-1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
      ],
      properties: { task: 'classification', labels: '[0,1]', columns: '["f0","f1","f2","f3","f4"]' },
    });
    expect((await get('/v2/models/risk/versions/2')).json).toMatchObject({ name: 'risk' });
    expect((await get('/v2/models/image')).json['inputs']).toEqual([
      { name: 'input', datatype: 'FP32', shape: [-1, 1, 8, 8] },
    ]);
  });

  it('gives the configuration', async () => {
    expect((await get('/v2/models/city/config')).json).toMatchObject({
      name: 'city',
      backend: 'onnxruntime',
      max_batch_size: 5_000,
      input: [
        { name: 'age', data_type: 'TYPE_FP32', dims: [1] },
        { name: 'income' },
        { name: 'city', data_type: 'TYPE_STRING' },
        { name: 'plan' },
      ],
      output: [{ name: 'label', dims: [] }, { name: 'probabilities' }],
    });
  });

  it('says which models are ready', async () => {
    for (const at of ['credit', 'risk', 'risk/versions/2.0.0', 'credit/versions/2'])
      expect((await get(`/v2/models/${at}/ready`)).json).toEqual({ name: at.split('/')[0], ready: true });
    const absent = await get('/v2/models/risk/versions/1/ready');
    expect([absent.status, absent.json['ready']]).toEqual([503, false]);
    expectError(await get('/v2/models/nobody/ready'), 404, 'no endpoint');
    expectError(await get('/v2/models/risk/versions/9/ready'), 404, 'risk has no version "9"');
  });
});

describe('infer with JSON', () => {
  it('answers as /predict does, with the version that did', async () => {
    const { json, headers } = await infer({ id: 'order "7"' });
    expect(json).toEqual({
      model_name: 'credit',
      model_version: '2.0.0',
      id: 'order "7"',
      parameters: { prediction_id: expect.stringMatching(UUID_V7) },
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [1], data: [0] },
        {
          name: 'probabilities',
          datatype: 'FP32',
          shape: [1, 2],
          data: [expect.any(Number), expect.any(Number)],
        },
      ],
    });
    const [, scores] = json['outputs'] as unknown as { data: number[] }[];
    expect(scores?.data[1]).toBeCloseTo(0.484132379, 6);
    expect(headers.get('content-type')).toBe('application/json');
    const native = await post('/predict', { features: ROW }, { 'content-type': 'application/json' });
    expect(native.json['probability']).toBeCloseTo(scores?.data[1] as number, 7);
  });

  it('logs what /predict logs', async () => {
    const { json } = await infer({ id: 'order 8' }, { 'x-routing-key': 'k' });
    const { prediction_id: id } = json['parameters'] as unknown as { prediction_id: string };
    expect(logLines(server).find((line) => line['event.id'] === id)).toMatchObject({
      dialect: 'oip-rest',
      endpoint: 'credit',
      id: 'order 8',
      key: 'k',
      input: { f0: 17.99, f1: 10.38, f2: 122.8, f3: 1001, f4: 0.12 },
      prediction: 0,
    });
  });

  it.each([
    ['nested', fp32([ROW, OTHER], [2, 5])],
    ['flat', fp32([...ROW, ...OTHER], [2, 5])],
    ['of doubles', { ...fp32([...ROW, ...OTHER], [2, 5]), datatype: 'FP64' }],
  ])('takes data %s, rows in order', async (_, tensor) => {
    const { json } = await infer({ inputs: [tensor] });
    expect(json['outputs']).toMatchObject([{ data: [0, 1] }, { shape: [2, 2] }]);
    const { prediction_ids: ids } = json['parameters'] as unknown as { prediction_ids: string };
    expect(ids.split(',')).toEqual([expect.stringMatching(UUID_V7), expect.stringMatching(UUID_V7)]);
  });

  it('takes the columns of a matrix by name', async () => {
    const inputs = ROW.map((value, i) => ({ name: `f${i}`, shape: [1, 1], datatype: 'FP32', data: [value] }));
    expect((await infer({ inputs })).json['outputs']).toMatchObject([{ data: [0] }, {}]);
  });

  it('takes null for a value that may be missing, and names one that may not', async () => {
    expect((await infer({ inputs: [fp32([null, ...ROW.slice(1)])] })).status).toBe(200);
    const pixels = [{ name: 'input', datatype: 'FP32', shape: [1, 1, 8, 8], data: Array(64).fill(null) }];
    expectError(await post('/v2/models/image/infer', { inputs: pixels }), 400, 'input must be an array');
  });

  it('takes the values of any number for a number', async () => {
    const whole = { name: 'input', shape: [1, 5], datatype: 'INT64', data: [17, 10, 122, 1001, 0] };
    expect((await infer({ inputs: [whole] })).status).toBe(200);
    const types = (await get('/v2/models/types')).json['inputs'] as unknown as { name: string }[];
    const inputsOf = (value: number) =>
      types.map(({ name }) =>
        name === 'bool'
          ? { name, shape: [1], datatype: 'BOOL', data: [true] }
          : { name, shape: [1], datatype: 'FP64', data: [value] },
      );
    expect((await post('/v2/models/types/infer', { inputs: inputsOf(3) })).status).toBe(200);
    const broken = await post('/v2/models/types/infer', { inputs: inputsOf(3.5) });
    expectError(broken, 400, 'uint8 must be a whole number');
  });

  it('takes texts and answers texts', async () => {
    const text = { name: 'text', shape: [2, 1], datatype: 'BYTES', data: ['é "quoted"\n', ''] };
    const number = { name: 'number', shape: [2, 1], datatype: 'FP32', data: [1.5, -2] };
    const { json } = await post('/v2/models/echo/infer', { inputs: [text, number] });
    expect(json['outputs']).toEqual([
      { name: 'echo', datatype: 'BYTES', shape: [2], data: ['é "quoted"\n', ''] },
      { name: 'doubled', datatype: 'FP32', shape: [2], data: [3, -4] },
    ]);
  });

  it('answers the outputs that are asked for, in their order', async () => {
    const { json } = await infer({ outputs: [{ name: 'probabilities' }, { name: 'label' }] });
    expect((json['outputs'] as unknown as { name: string }[]).map(({ name }) => name)).toEqual([
      'probabilities',
      'label',
    ]);
  });

  it('answers classes with their labels', async () => {
    const { json } = await infer({
      outputs: [{ name: 'probabilities', parameters: { classification: 2 } }],
    });
    expect(json['outputs']).toEqual([
      { name: 'probabilities', datatype: 'BYTES', shape: [1, 2], data: ['0.515868:0:0', '0.484132:1:1'] },
    ]);
  });

  it.each([
    ['', '2.0.0'],
    ['/versions/2', '2.0.0'],
    ['/versions/2.0.0', '2.0.0'],
  ])('takes the version in the path "%s"', async (at, version) => {
    const { json } = await post(`/v2/models/risk${at}/infer`, { inputs: [fp32(ROW)] });
    expect(json).toMatchObject({ model_name: 'risk', model_version: version });
  });

  it('loads another version while the caller waits outside', async () => {
    let reply = await post('/v2/models/credit/versions/1.0.0/infer', { inputs: [fp32(ROW)] });
    expectError(reply, 503, 'risk 1.0.0 is being loaded');
    expect(reply.headers.get('retry-after')).toBe('1');
    for (let i = 0; i < 2_000 && reply.status === 503; i++)
      reply = await post('/v2/models/credit/versions/1.0.0/infer', { inputs: [fp32(ROW)] });
    expect(reply.json).toMatchObject({ model_name: 'credit', model_version: '1.0.0' });
  });
});

describe('the binary extension', () => {
  const head = (size: number, change: object = {}) => ({
    inputs: [
      { name: 'input', shape: [1, 5], datatype: 'FP32', parameters: { binary_data_size: size }, ...change },
    ],
  });

  it('takes inputs and answers outputs', async () => {
    const { body, headers } = withBinary(
      { ...head(20), parameters: { binary_data_output: true } },
      floats(ROW),
    );
    const reply = await post('/v2/models/credit/infer', body, headers);
    expect(reply.headers.get('content-type')).toBe('application/octet-stream');
    expect(reply.json['outputs']).toEqual([
      { name: 'label', datatype: 'INT64', shape: [1], parameters: { binary_data_size: 8 } },
      { name: 'probabilities', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } },
    ]);
    expect(binaryOf(reply, 0).readBigInt64LE()).toBe(0n);
    expect(binaryOf(reply, 1).readFloatLE(4)).toBeCloseTo(0.484132379, 6);
  });

  it('lets an output say otherwise than all outputs', async () => {
    const outputs = [{ name: 'label', parameters: { binary_data: false } }, { name: 'probabilities' }];
    const { json } = await infer({ outputs, parameters: { binary_data_output: true } });
    expect(json['outputs']).toMatchObject([{ data: [0] }, { parameters: { binary_data_size: 8 } }]);
  });

  it('takes texts, half floats and brain floats', async () => {
    const texts = Buffer.from([3, 0, 0, 0, 0x61, 0xc3, 0xa9, 0, 0, 0, 0]);
    const halves = Buffer.from([0x00, 0x3e, 0x00, 0xc0]);
    const brains = Buffer.from([0xc0, 0x3f, 0x00, 0xc0]);
    for (const [datatype, numbers] of [
      ['FP16', halves],
      ['BF16', brains],
    ] as const) {
      const { body, headers } = withBinary(
        {
          inputs: [
            { name: 'text', shape: [2], datatype: 'BYTES', parameters: { binary_data_size: 11 } },
            { name: 'number', shape: [2], datatype, parameters: { binary_data_size: 4 } },
          ],
          outputs: [{ name: 'echo', parameters: { binary_data: true } }, { name: 'doubled' }],
        },
        texts,
        numbers,
      );
      const reply = await post('/v2/models/echo/infer', body, headers);
      expect(reply.json['outputs']).toMatchObject([{ name: 'echo' }, { data: [3, -4] }]);
      expect(reply.body.subarray(Number(reply.headers.get('inference-header-content-length')))).toEqual(
        texts,
      );
    }
  });

  it('takes integers of 64 bits where they are exact', async () => {
    const types = (await get('/v2/models/types')).json['inputs'] as unknown as {
      name: string;
      datatype: string;
    }[];
    const ask = (long: bigint) => {
      const content = Buffer.alloc(8);
      content.writeBigInt64LE(long);
      const inputs = types.map(({ name, datatype }) =>
        name === 'int64'
          ? { name, shape: [1], datatype, parameters: { binary_data_size: 8 } }
          : { name, shape: [1], datatype: name === 'bool' ? 'BOOL' : 'INT8', data: [1] },
      );
      const { body, headers } = withBinary({ inputs }, content);
      return post('/v2/models/types/infer', body, headers);
    };
    expect((await ask(2n ** 53n - 1n)).status).toBe(200);
    expectError(await ask(2n ** 53n + 1n), 400, 'int64[0] is beyond 2^53');
  });

  it('takes a body that is the only input, and answers in binary', async () => {
    const raw = { 'Inference-Header-Content-Length': '0' };
    const reply = await post('/v2/models/credit/infer', floats(ROW), raw);
    expect(binaryOf(reply, 1).readFloatLE(4)).toBeCloseTo(0.484132379, 6);
    const wide = await post('/v2/models/wide/infer', floats([1, 2, 3, 6]), raw);
    expect(binaryOf(wide, 0).readFloatLE()).toBe(3);
    expectError(await post('/v2/models/credit/infer', floats([1, 2]), raw), 400, 'its shape [1, 5] says 5');
    expectError(
      await post('/v2/models/credit/infer', Buffer.from('abc'), raw),
      400,
      'no whole number of FP32',
    );
    expectError(await post('/v2/models/echo/infer', Buffer.from('abc'), raw), 400, 'takes 2 inputs');
  });

  it.each([
    ['less data than they say', withBinary(head(20), floats([1, 2])), 'input has 20 bytes of binary data'],
    ['more data than they say', withBinary(head(20), floats([...ROW, 1])), 'has 4 bytes behind the data'],
    ['no whole elements', withBinary(head(19), floats(ROW).subarray(1)), 'no whole number of FP32 values'],
    [
      'another count than the shape',
      withBinary(head(16), floats(ROW.slice(1))),
      'has 4 values, and its shape [1, 5] says 5',
    ],
    ['a negative size', withBinary(head(-1), floats(ROW)), 'binary_data_size that is no number'],
    ['a huge size', withBinary(head(2 ** 52), floats(ROW)), 'which the body does not hold'],
    [
      'both kinds of data',
      withBinary(head(20, { data: ROW }), floats(ROW)),
      'both data and binary_data_size',
    ],
    ['shared memory', withBinary(head(20, { parameters: { shared_memory_region: 'x' } })), 'shared memory'],
  ])('refuses %s', async (_, { body, headers }, text) => {
    expectError(await post('/v2/models/credit/infer', body, headers), 400, text);
  });

  it.each(['-1', 'x', '1e3', '999999', '1.5'])('refuses a length of the JSON of %s', async (length) => {
    const body = Buffer.from(JSON.stringify({ inputs: [fp32(ROW)] }));
    const reply = await post('/v2/models/credit/infer', body, { 'Inference-Header-Content-Length': length });
    expectError(reply, 400, 'Inference-Header-Content-Length');
  });
});

describe('compression', () => {
  const request = { inputs: [fp32(Array(500).fill(ROW).flat(), [500, 5])] };
  const plain = Buffer.from(JSON.stringify(request));

  it.each([
    ['gzip', gzipSync(plain)],
    ['deflate', deflateSync(plain)],
  ])('of a body by %s is taken', async (encoding, body) => {
    const { json } = await post('/v2/models/credit/infer', body, { 'content-encoding': encoding });
    expect(json['outputs']).toMatchObject([{ shape: [500] }, { shape: [500, 2] }]);
  });

  it('counts the JSON as it was before', async () => {
    const { body, headers } = withBinary(
      { inputs: [{ name: 'input', shape: [1, 5], datatype: 'FP32', parameters: { binary_data_size: 20 } }] },
      floats(ROW),
    );
    const sent = { ...headers, 'content-encoding': 'gzip' };
    expect((await post('/v2/models/credit/infer', gzipSync(body), sent)).status).toBe(200);
  });

  it.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ])('of an answer by %s is given to who accepts it', async (encoding, inflate) => {
    const answer = await rawPost('/v2/models/credit/infer', plain, { 'accept-encoding': encoding });
    expect(answer.head).toContain(`content-encoding: ${encoding}`);
    expect(JSON.parse(inflate(answer.body).toString())['outputs'][0]['shape']).toEqual([500]);
    const none = await rawPost('/v2/models/credit/infer', plain, { 'accept-encoding': `${encoding};q=0` });
    expect(none.head).not.toContain('content-encoding');
  });

  it('stops a bomb before it is there', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(100_000);
    expectError(
      await post('/v2/models/credit/infer', bomb, { 'content-encoding': 'gzip' }),
      413,
      'once inflated',
    );
  });

  it.each([
    ['gzip', Buffer.from('nothing of the kind'), 400],
    ['gzip', gzipSync(plain).subarray(0, 20), 400],
    ['br', plain, 415],
    ['gzip, gzip', plain, 415],
  ])('by %s that cannot be read is refused', async (encoding, body, status) => {
    expectError(await post('/v2/models/credit/infer', body, { 'content-encoding': encoding }), status, /./);
  });
});

/** One exchange as bytes: `fetch` inflates answers and hides how they came. */
function rawPost(
  at: string,
  body: Buffer,
  headers: Record<string, string>,
): Promise<{ head: string; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(server.port, '127.0.0.1', () => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(
        `POST ${at} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n${lines.join('')}\r\n`,
      );
      socket.write(body);
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      resolve({ head: all.subarray(0, end).toString(), body: all.subarray(end + 4) });
    });
  });
}

describe('content types', () => {
  it.each([
    undefined,
    'application/json',
    'application/octet-stream',
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
  ])('%s is taken', async (type) => {
    expect((await infer({}, type === undefined ? {} : { 'content-type': type })).status).toBe(200);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1'])(
    '%s is not',
    async (type) => expectError(await infer({}, { 'content-type': type }), 415, 'application/json'),
  );
});

describe('refusals', () => {
  it('name every fault of the request at once', async () => {
    const { json } = await infer({
      id: 7,
      inputs: [
        { name: 'a', shape: 'x', datatype: 'FP31', data: [1] },
        { shape: [1], datatype: 'FP32' },
        7,
        { name: 'b', shape: [2], datatype: 'INT8', data: [1, 300, 1.5] },
        { name: 'c', shape: [1], datatype: 'BF16', data: [1] },
      ],
      outputs: [{}],
      parameters: { a: [] },
    });
    const text = String(json['error']);
    for (const part of [
      'id must be a string',
      'a has a datatype that is none of',
      'a has a shape that is no list',
      'inputs[1] has no name',
      'inputs[1] has no list of data',
      'inputs[2] must be a tensor',
      'b has 2 values that are no INT8, the first at place 1',
      'c is BF16, which is sent as binary data only',
      'outputs[0] must be an output with a name',
      'parameters has the parameter a',
    ])
      expect(text).toContain(part);
  });

  it('name every fault of tensors at once', async () => {
    const { json, status } = await infer({
      inputs: [fp32(ROW, [5]), { name: 'zzz', shape: [1], datatype: 'BOOL', data: [true] }],
      outputs: [{ name: 'nothing' }],
    });
    expect(status).toBe(400);
    expect(json['error']).toBe(
      'The input does not fit the signature of the model: input has the wrong shape (takes [-1, 5], got [5]); zzz is not an input of this model; nothing is not an output of this model',
    );
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'empty'],
    ['no JSON', Buffer.from('{'), 'not valid JSON'],
    ['NaN', Buffer.from('{"inputs":[NaN]}'), 'NaN and Infinity are not JSON'],
    ['no object', Buffer.from('[]'), 'must be an object with inputs'],
    ['no inputs', Buffer.from('{}'), 'inputs must be a list of tensors'],
    ['nothing in inputs', Buffer.from('{"inputs":[]}'), 'input is missing'],
    ['a deep body', Buffer.from('['.repeat(100_000)), 'nested deeper'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not UTF-8'],
  ])('%s', async (_, body, text) => {
    expectError(await post('/v2/models/credit/infer', body), 400, text);
  });

  it.each([
    ['a ragged list', [[1, 2, 3, 4, 5], [1]], [2, 5]],
    ['a nesting that is not the shape', [ROW, OTHER].flat().map((value) => [value]), [2, 5]],
    ['numbers beside lists', [[1, 2, 3, 4, [5]]], [1, 5]],
  ])('%s', async (_, data, shape) => {
    expectError(await infer({ inputs: [fp32(data, shape)] }), 400, 'nested otherwise than its shape says');
  });

  it.each([
    [[-1, 5], 'negative'],
    [[1.5, 5], 'no whole number'],
    [[2 ** 50, 2 ** 50], 'too large'],
    [[1_000_000_000, 0], 'dimension of 0'],
    [['1', 5], 'shape that is no list'],
  ])('a shape of %j', async (shape, text) => {
    expectError(await infer({ inputs: [fp32(ROW, shape)] }), 400, text);
  });

  it('an unknown model, version, route and method', async () => {
    const inputs = { inputs: [fp32(ROW)] };
    expectError(await post('/v2/models/nobody/infer', inputs), 404, 'no endpoint');
    expectError(await post('/v2/models/credit/versions/9/infer', inputs), 404, 'risk has no version "9"');
    expectError(await get('/v2/models/%00/versions/1'), 404, 'No model is registered');
    expectError(await get('/v2/models'), 404, 'no such route');
    expectError(await get('/v2/nothing'), 404, 'no such route');
    const wrong = await send('PUT', '/v2/models/credit/infer');
    expectError(wrong, 405, 'This route takes POST');
    expect(wrong.headers.get('allow')).toBe('POST');
    expectError(await get('/v2/models/%'), 400, 'not a valid URL path');
    expectError(await get(`/v2/models/${'x'.repeat(300)}`), 400, 'too long');
  });

  it('too large a body, too many rows', async () => {
    expectError(await post('/v2/models/credit/infer', Buffer.alloc(1_000_001, 32)), 413, 'body_limit_bytes');
    const many = fp32(Array(5_001 * 5).fill(1), [5_001, 5]);
    expectError(await infer({ inputs: [many] }), 413, '5001 rows in one request; the most is 5000');
  });

  it('a caller without the key, but for health', async () => {
    const { json, status, headers } = await send('POST', '/v2/models/plain/infer', {
      to: keyed,
      body: { inputs: [fp32(ROW)] },
    });
    expect([status, Object.keys(json)]).toEqual([401, ['error']]);
    expect(headers.get('content-type')).toBe('application/json');
    expectError(await get('/v2/models/plain', keyed), 401, 'Send the API key');
    expect((await get('/v2', keyed)).status).toBe(200);
    const known = await send('POST', '/v2/models/plain/infer', {
      to: keyed,
      headers: { authorization: `Bearer ${KEY}` },
      body: { inputs: [fp32(ROW)] },
    });
    expect(known.status).toBe(200);
    const later = await send('GET', '/v2/models/later/ready', { to: keyed, headers: { 'x-api-key': KEY } });
    expect([later.status, later.json['ready']]).toEqual([503, false]);
  });

  it('are counted and logged', async () => {
    const { headers } = await infer({ id: 'bad one', inputs: [] });
    const line = logLines(server).find((candidate) => candidate['id'] === 'bad one');
    expect(line).toMatchObject({
      'event.outcome': 'rejected',
      'error.code': 'INPUT_INVALID',
      'trace.id': headers.get('x-request-id'),
      dialect: 'oip-rest',
    });
  });
});

describe('repository and statistics', () => {
  it('lists what is registered and what is ready', async () => {
    const { json } = await post('/v2/repository/index', { ready: true });
    const ready = (json as unknown as { name: string; version: string; state: string }[]).map(
      ({ name, version, state }) => `${name} ${version} ${state}`,
    );
    expect(ready).toContain('risk 2.0.0 READY');
    expect(ready).toContain('credit 2.0.0 READY');
    expect(ready.join()).not.toContain('spare');
    const all = JSON.stringify((await post('/v2/repository/index')).json);
    expect(all).toContain('{"name":"spare","version":"0.1.0","state":"UNAVAILABLE","reason":"not loaded"}');
    expectError(await post('/v2/repository/index', { ready: 1 }), 400, 'ready must be');
  });

  it('loads and unloads a registered model', async () => {
    const row = { inputs: [{ name: 'X', shape: [1, 10], datatype: 'FP32', data: Array(10).fill(1) }] };
    expectError(await post('/v2/models/spare/infer', row), 404, 'no endpoint');
    expect((await post('/v2/repository/models/spare/load')).json).toEqual({});
    expect((await post('/v2/models/spare/infer', row)).json).toMatchObject({ model_version: '0.1.0' });
    expect((await post('/v2/repository/models/spare/unload', {})).json).toEqual({});
    expectError(await post('/v2/models/spare/infer', row), 404, 'no endpoint');
  });

  it('refuses what endpoints serve, what nobody knows, and other files', async () => {
    expectError(await post('/v2/repository/models/credit/unload'), 400, 'Endpoint credit serves it');
    expectError(await post('/v2/repository/models/risk/unload'), 400, 'Endpoint credit serves it');
    expectError(await post('/v2/repository/models/nobody/load'), 404, 'nobody');
    const other = { parameters: { config: '{}', 'file:1/model.onnx': 'AAAA' } };
    expectError(
      await post('/v2/repository/models/spare/load', other),
      400,
      'config, file:1/model.onnx cannot be given',
    );
  });

  it('refuses callers who may not change anything', async () => {
    const other = await post('/v2/repository/models/spare/load', undefined, {
      origin: 'https://evil.example',
    });
    expectError(other, 403, 'auth.api_key');
    expectError(await send('POST', '/v2/repository/models/plain/load', { to: keyed }), 401, 'API key');
  });

  it('counts requests and rows', async () => {
    const read = async () => {
      const { json } = await get('/v2/models/city/stats');
      const [only] = json['model_stats'] as unknown as {
        inference_count: number;
        execution_count: number;
        last_inference: number;
        inference_stats: Record<string, { count: number; ns: number }>;
      }[];
      return only as NonNullable<typeof only>;
    };
    const before = await read();
    const column = (name: string, datatype: string, data: readonly unknown[]) => ({
      name,
      datatype,
      shape: [2, 1],
      data,
    });
    const inputs = [
      column('age', 'FP32', [41.5, 30]),
      column('income', 'FP32', [11_152, 20_000]),
      column('city', 'BYTES', ['Łódź', 'Oslo']),
      column('plan', 'BYTES', ['plus', 'plus']),
    ];
    expect((await post('/v2/models/city/infer', { inputs })).status).toBe(200);
    expect((await post('/v2/models/city/infer', { inputs: inputs.slice(1) })).status).toBe(400);
    const after = await read();
    expect(after.inference_count - before.inference_count).toBe(2);
    expect(after.execution_count - before.execution_count).toBe(1);
    expect(after.inference_stats['success']?.count).toBe((before.inference_stats['success']?.count ?? 0) + 1);
    expect(after.inference_stats['fail']?.count).toBe((before.inference_stats['fail']?.count ?? 0) + 1);
    expect(after.inference_stats['compute_infer']?.ns).toBeGreaterThan(0);
    expect(after.last_inference).toBeGreaterThan(1_700_000_000_000);
    const all = (await get('/v2/models/stats')).json['model_stats'] as unknown as { name: string }[];
    expect(all.map(({ name }) => name)).toContain('risk');
    expect((await get('/v2/models/risk/versions/2/stats')).json['model_stats']).toHaveLength(1);
  });
});
