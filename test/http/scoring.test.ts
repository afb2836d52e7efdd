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

  it('takes what Python and spreadsheets write', async () => {
    const csv = 'a,f0,f1,f2,f3\r\n,"5.1",3.5,1.4,0.2\n';
    for (const [body, type] of [
      [`\ufeff${JSON.stringify({ inputs: [ROW] })}`, 'application/json; charset=utf-8'],
      [
        JSON.stringify({ inputs: [ROW], params: { deep: [[NaN]] } }).replace('null', 'NaN'),
        'application/json',
      ],
      [`\ufeff${csv}`, 'text/csv; charset=UTF-8'],
    ] as const) {
      const reply = await client.post('/invocations', body, { 'content-type': type });
      expect([reply.status, JSON.stringify(reply.json)]).toEqual([
        200,
        expect.stringContaining('output_label'),
      ]);
    }
  });

  it('refuses what is too much in any form, before anything is made of it', async () => {
    const rows = Array.from({ length: 51 }, () => ROW);
    const records = rows.map(() => ({ f0: 1, f1: 1, f2: 1, f3: 1 }));
    for (const [body, headers] of [
      [{ inputs: rows }, {}],
      [{ instances: rows }, {}],
      [{ inputs: Object.fromEntries(['f0', 'f1', 'f2', 'f3'].map((name) => [name, rows.map(() => 1)])) }, {}],
      [{ dataframe_split: { data: rows } }, {}],
      [{ dataframe_records: records }, {}],
      [`f0,f1,f2,f3\n${'1,1,1,1\n'.repeat(51)}1,1,1,1,1\n`, { 'content-type': 'text/csv' }],
    ] as const) {
      const reply = await client.post('/invocations', body, headers);
      expect([reply.status, reply.json['message']]).toEqual([413, '51 rows in one request; the most is 50']);
    }
  });

  it.each([
    ['nested too deep', `{"inputs": ${'['.repeat(100)}${']'.repeat(100)}}`, 'nested deeper than 64'],
    ['cut off in a text', '{"inputs": "NaN', 'not valid JSON'],
    ['with a NaN that a model does not take', '{"inputs": [[NaN, 1, 1, 1]]}', 'f0 has the wrong type'],
    ['with an Infinity', '{"inputs": [[1, -Infinity, 1, 1]]}', 'f1 is not a finite number'],
    [
      'with too many columns',
      `{"dataframe_split": {"columns": [${'1,'.repeat(9_000)}1], "data": [[1]]}}`,
      '9001 columns passed',
    ],
  ])('refuses JSON %s', async (_, body, said) => {
    const reply = await client.post('/invocations', body);
    expect([reply.status, reply.json['message']]).toEqual([400, expect.stringContaining(said)]);
  });

  it.each([
    ['nothing', '', 'No columns to parse from file'],
    ['a column twice', 'f0,f1,f2,f3,f0\n1,1,1,1,1\n', "Column 'f0' stands there twice"],
    ['a quote that does not end', 'f0,f1,f2,f3\n"1,1,1,1\n', 'EOF inside string starting at line 2'],
    ['a row that is too long', 'f0,f1,f2,f3\n1,1,1,1,1\n', 'Expected 4 fields in line 2'],
    [
      'words',
      'f0,f1,f2,f3\none,1,two,1\n',
      'f0 has the wrong type (expected number (float32), got string); f2',
    ],
  ])('refuses CSV of %s', async (_, body, said) => {
    const reply = await client.post('/invocations', body, { 'content-type': 'text/csv' });
    expect([reply.status, reply.json['message']]).toEqual([400, expect.stringContaining(said)]);
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
      ['/v1/models/iris:predict', { instances: [['5.1', 3.5, 1.4, 0.2]] }, 400],
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
