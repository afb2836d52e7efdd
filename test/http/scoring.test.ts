import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpClient } from '../support/http-client.ts';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';

const KEY = 'k'.repeat(24);
const ROW = [5.1, 3.5, 1.4, 0.2];

let servers: SourceServers;
let url: string;
let client: HttpClient;
let stranger: HttpClient;

beforeAll(async () => {
  servers = await buildSourceServers();
  const config = {
    server: { port: 0, body_limit_bytes: 20_000 },
    auth: { api_key: KEY },
    serving: { max_request_rows: 50 },
    endpoints: { iris: { model: 'flowers' }, away: { model: 'nothing', required: false } },
    default_endpoint: 'iris',
  };
  const models = [{ location: fixture('sklearn-iris-zipmap'), name: 'flowers' }];
  ({ url } = await servers.start(config, models));
  client = new HttpClient(url, { authorization: `Bearer ${KEY}` });
  stranger = new HttpClient(url);
  await client.learnDocument();
}, 60_000);
afterAll(() => servers.stop());

describe('the scoring API of MLflow', () => {
  it('answers arrays with the tensors of the graph, and tables with records', async () => {
    const arrays = await client.post('/invocations', { inputs: [ROW, ROW] });
    expect(arrays.json['predictions']).toEqual({
      output_label: [0, 0],
      output_probability: [expect.objectContaining({ 0: expect.any(Number) }), expect.anything()],
    });
    const table = await client.post('/invocations', { dataframe_split: { data: [ROW] } });
    expect(table.json['predictions']).toEqual([
      {
        output_label: 0,
        output_probability: { 0: expect.any(Number), 1: expect.any(Number), 2: expect.any(Number) },
      },
    ]);
  });

  it('says in its own words what is wrong, whoever finds it', async () => {
    const long = JSON.stringify({ inputs: 'x'.repeat(30_000) });
    const rows = Array.from({ length: 51 }, () => ROW);
    for (const [body, headers, status, code] of [
      ['{', {}, 400, 'BAD_REQUEST'],
      ['{"prompt": "hello"}', {}, 400, 'INVALID_PARAMETER_VALUE'],
      [{ inputs: [[1, 2, 3]] }, {}, 400, 'INVALID_PARAMETER_VALUE'],
      [{ inputs: rows }, {}, 413, 'BAD_REQUEST'],
      [long, {}, 413, 'BAD_REQUEST'],
      [{ inputs: [ROW] }, { authorization: 'Bearer wrong' }, 401, 'UNAUTHENTICATED'],
    ] as const) {
      const reply = await client.post('/invocations', body, headers);
      expect([status, reply.headers.get('content-type')]).toEqual([reply.status, 'application/json']);
      expect(reply.json).toEqual({ error_code: code, message: expect.any(String) });
    }
  });

  it('refuses content types in plain text', async () => {
    for (const headers of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'not a type' },
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    ]) {
      const reply = await client.post('/invocations', '{"inputs": [[1, 2, 3, 4]]}', headers);
      expect([reply.status, reply.headers.get('content-type')]).toEqual([415, 'text/plain; charset=utf-8']);
    }
  });

  it('needs the key, and its probes do not', async () => {
    expect((await stranger.post('/invocations', { inputs: [ROW] })).status).toBe(401);
    const ping = await fetch(`${url}/ping`);
    expect([ping.status, await ping.text()]).toEqual([200, '\n']);
    expect(await (await fetch(`${url}/version`)).text()).toMatch(/^3\.\d+\.\d+$/);
  });
});

describe('the V1 protocol of KServe', () => {
  it('answers one prediction an instance, by endpoint and by model', async () => {
    for (const name of ['iris', 'flowers']) {
      const reply = await client.post(`/v1/models/${name}:predict`, { instances: [ROW, ROW] });
      expect(reply.json).toEqual({ predictions: [0, 0] });
    }
  });

  it('says what is ready', async () => {
    expect((await client.get('/v1/models')).json).toEqual({ models: ['iris', 'away'] });
    expect((await client.get('/v1/models/iris')).json).toEqual({ name: 'iris', ready: true });
    const away = await client.get('/v1/models/away');
    expect([away.status, away.json]).toEqual([503, { name: 'away', ready: false }]);
    expect((await client.get('/v1/models/none')).status).toBe(404);
  });

  it('refuses under `error`, in JSON without a charset', async () => {
    for (const [path, body, status] of [
      ['/v1/models/iris:predict', '{', 400],
      ['/v1/models/iris:predict', { rows: [] }, 400],
      ['/v1/models/iris:predict', { instances: [ROW, { no: 1 }] }, 400],
      ['/v1/models/none:predict', { instances: [ROW] }, 404],
      ['/v1/models/away:predict', { instances: [ROW] }, 503],
    ] as const) {
      const reply = await client.post(path, body);
      expect([reply.status, reply.headers.get('content-type')]).toEqual([status, 'application/json']);
      expect(reply.json).toEqual({ error: expect.any(String) });
    }
    const typed = await client.post('/v1/models/iris:predict', '{}', { 'content-type': 'text/csv' });
    expect(typed.status).toBe(415);
    expect((await stranger.get('/v1/models')).status).toBe(401);
  });

  it('takes only the methods that there are', async () => {
    const reply = await fetch(`${url}/v1/models/iris:predict`, { method: 'PUT' });
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, expect.stringContaining('POST')]);
  });
});

describe('the routes beside them', () => {
  it('keep their own form of errors', async () => {
    const reply = await client.post('/predict', { nothing: 1 });
    expect([reply.status, reply.headers.get('content-type')]).toEqual([422, 'application/problem+json']);
    const csv = await client.post('/predict', 'a,b', { 'content-type': 'text/csv' });
    expect([csv.status, csv.headers.get('content-type')]).toEqual([415, 'application/problem+json']);
  });
});
