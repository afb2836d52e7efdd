import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpClient, type Reply } from '../support/http-client.ts';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';

const ROW = { f0: 17.99, f1: 10.38, f2: 122.8, f3: 1001.0, f4: 0.12 };
const OTHER = { f0: 13.34, f1: 15.86, f2: 86.49, f3: 520.0, f4: 0.11 };
const CITY = { age: 41.5, income: 11152.81, city: 'Łódź', plan: 'plus' };
const KEY = 'a-key-for-the-tests';
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

type Server = Awaited<ReturnType<SourceServers['start']>>;
let servers: SourceServers;
let server: Server;
let keyed: Server;
let client: HttpClient;
let strict: HttpClient;

beforeAll(async () => {
  servers = await buildSourceServers();
  const risk = { location: fixture('xgboost-binary'), name: 'risk' };
  server = await servers.start(
    {
      server: { port: 0 },
      default_endpoint: 'credit',
      endpoints: {
        credit: { model: 'risk@production' },
        city: { model: 'city', redact: { city: 'drop' } },
      },
    },
    [
      { ...risk, semver: '1.0.0', exampleRows: [ROW] },
      { ...risk, semver: '1.2.0', exampleRows: [OTHER], aliases: ['challenger'] },
      { ...risk, semver: '2.0.0', exampleRows: [ROW, OTHER], aliases: ['production'] },
      { location: fixture('sklearn-strings-zipmap'), name: 'city', exampleRows: [CITY] },
    ],
  );
  client = new HttpClient(server.url);
  await client.learnDocument();
  keyed = await servers.start(
    {
      server: { port: 0, body_limit_bytes: 2_000, request_timeout_ms: 300 },
      auth: { api_key: KEY },
      serving: { max_request_rows: 3, on_demand_versions: 1 },
      prediction_log: { segment_bytes: 1 },
      default_endpoint: 'plain',
      endpoints: { plain: { model: 'plain/2' }, later: { model: 'absent' } },
    },
    [
      { location: fixture('xgboost-binary'), name: 'plain', exampleRows: [ROW] },
      { location: fixture('xgboost-binary'), name: 'plain', exampleRows: [OTHER] },
    ],
  );
  strict = new HttpClient(keyed.url, { 'x-api-key': KEY });
  await strict.learnDocument();
}, 60_000);

afterAll(() => servers.stop());

function expectProblem(reply: Reply, status: number, code: string): void {
  expect(reply.json, reply.text).toMatchObject({ status, code, type: `urn:slipway:error:${code}` });
  expect(reply.status).toBe(status);
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.json['request_id']).toBe(reply.headers.get('x-request-id'));
  for (const name of ['title', 'detail']) expect(reply.json[name]).toEqual(expect.any(String));
}

/** Asks again while the version is being loaded, as Retry-After says; the first answer must be that 503. */
async function onDemand(ask: () => Promise<Reply>): Promise<Reply> {
  let reply = await ask();
  expectProblem(reply, 503, 'NOT_READY');
  expect(reply.headers.get('retry-after')).toBe('1');
  for (let i = 0; i < 2_000 && reply.status === 503; i++) reply = await ask();
  return reply;
}

function logLines(of: Server): Record<string, unknown>[] {
  const logs = path.join(of.cwd, 'logs');
  return readdirSync(logs)
    .filter((name) => name.startsWith('predictions-'))
    .sort()
    .flatMap((name) => readFileSync(path.join(logs, name), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const lineOf = (of: Server, id: unknown) => logLines(of).find((line) => line['event.id'] === id);

describe('POST /predict', () => {
  it('answers the wrapped form with every field of the contract', async () => {
    const { status, json, headers } = await client.post('/predict', { features: ROW });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(Object.keys(json)).toEqual([
      'prediction',
      'confidence',
      'probability',
      'probabilities',
      'model',
      'model_version',
      'prediction_id',
      'inference_time_ms',
    ]);
    expect(json).toMatchObject({ prediction: 0, model: 'risk', model_version: '2.0.0' });
    expect(json['confidence']).toBeCloseTo(0.515867591, 5);
    expect(json['probability']).toBeCloseTo(0.484132379, 5);
    expect(json['prediction_id']).toMatch(UUID_V7);
    expect(json['inference_time_ms']).toBeGreaterThan(0);
  });

  it.each([
    ['the flat form', ROW],
    ['an array for a bare matrix', [17.99, 10.38, 122.8, 1001.0, 0.12]],
    ['a wrapped array for a bare matrix', { features: [17.99, 10.38, 122.8, 1001.0, 0.12] }],
  ])('takes %s', async (_, body) => {
    const { json, status } = await client.post('/predict', body);
    expect(status).toBe(200);
    expect(json['probability']).toBeCloseTo(0.484132379, 5);
  });

  it('takes null where the model does', async () => {
    expect((await client.post('/predict', { features: { ...ROW, f0: null } })).status).toBe(200);
  });

  it('logs id, key and timestamp beside features', async () => {
    const { json } = await client.post(
      '/predict',
      { features: ROW, id: 'order "7"\n', key: 'customer 3', timestamp: '2026-03-01T10:00:00+01:00' },
      { 'x-correlation-id': 'not this one' },
    );
    expect(lineOf(server, json['prediction_id'])).toMatchObject({
      id: 'order "7"\n',
      key: 'customer 3',
      timestamp: '2026-03-01T10:00:00+01:00',
      'event.outcome': 'ok',
      endpoint: 'credit',
      input: ROW,
    });
  });

  it('takes the headers with the flat form', async () => {
    const { json } = await client.post('/predict', ROW, {
      'x-correlation-id': 'order 8',
      'x-routing-key': 'k',
    });
    expect(lineOf(server, json['prediction_id'])).toMatchObject({ id: 'order 8', key: 'k' });
  });

  it.each([
    [{ features: ROW, extra: 1 }, 'extra'],
    [{ features: ROW, id: 7 }, 'id'],
    [{ features: ROW, key: 'k'.repeat(257) }, 'key'],
  ])('refuses what may not stand beside features', async (body, at) => {
    const reply = await client.post('/predict', body);
    expectProblem(reply, 422, 'REQUEST_INVALID');
    expect(reply.json['errors']).toEqual([expect.objectContaining({ path: at })]);
  });

  it('names every bad field at once, and never a value', async () => {
    const reply = await client.post('/predict', { f0: 'hunter2', f1: 1e39, f2: 1, f4: true, zzz: 'hunter2' });
    expectProblem(reply, 422, 'INPUT_INVALID');
    const errors = reply.json['errors'] as unknown as { path: string; got: string }[];
    expect(errors.map(({ path: at, got }) => [at, got])).toEqual([
      ['f0', 'string'],
      ['f1', 'integer'],
      ['f3', 'nothing'],
      ['f4', 'boolean'],
      ['zzz', 'string'],
    ]);
    expect(reply.text).not.toContain('hunter2');
    expect(reply.text).not.toContain('1e+39');
  });

  it.each(['__proto__', 'constructor', 'toString'])('refuses the field %s', async (name) => {
    const reply = await client.post('/predict', JSON.stringify(ROW).replace('{', `{"${name}":1,`));
    expectProblem(reply, 422, 'INPUT_INVALID');
  });

  it.each([
    ['nothing', undefined],
    ['null', 'null'],
    ['a number', '7'],
    ['features that are a number', '{"features":7}'],
  ])('refuses %s', async (_, body) => {
    const reply = await client.post('/predict', body);
    expect([400, 422]).toContain(reply.status);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
  });

  it('writes its line before it answers', async () => {
    const { json } = await client.post('/predict', ROW);
    expect(lineOf(server, json['prediction_id'])).toBeDefined();
  });
});

describe('POST /predict/batch', () => {
  it('answers in order; a bad row has its own error', async () => {
    const { json, status } = await client.post('/predict/batch', { instances: [ROW, { f0: 'x' }, OTHER] });
    expect(status).toBe(200);
    const [first, second, third] = json['predictions'] as unknown as [
      Record<string, unknown>,
      { error: unknown },
      object,
    ];
    expect(first).toMatchObject({ prediction: 0 });
    expect(first['probability']).toBeCloseTo(0.484132379, 5);
    expect(second.error).toMatchObject({ status: 422, code: 'INPUT_INVALID', errors: expect.any(Array) });
    expect(JSON.stringify(second)).toContain('instances[1].f0');
    expect(third).toMatchObject({ prediction: 1 });
    expect(json).toMatchObject({ failed: 1, model: 'risk', model_version: '2.0.0' });
    expect(lineOf(server, first['prediction_id'])).toBeDefined();
  });

  it('answers a thousand rows as it answers each alone, whichever thread runs them', async () => {
    const row = (i: number) => ({ ...ROW, f0: 10 + i / 100 });
    const alone = await Promise.all([0, 500, 999].map((i) => client.post('/predict', row(i))));
    const instances = Array.from({ length: 1_000 }, (_, i) => (i === 700 ? { f0: 'x' } : row(i)));
    for (let round = 0; round < 4; round++) {
      const { json, status } = await client.post('/predict/batch', { instances });
      expect(status).toBe(200);
      expect(json['failed']).toBe(1);
      const answers = json['predictions'] as unknown as Record<string, unknown>[];
      expect(answers[700]).toMatchObject({ error: { code: 'INPUT_INVALID' } });
      expect([0, 500, 999].map((i) => answers[i]?.['probability'])).toEqual(
        alone.map((answer) => answer.json['probability']),
      );
      const last = lineOf(server, answers[999]?.['prediction_id']);
      expect(last).toMatchObject({ input: row(999) });
      expect(new Set(answers.map((answer) => answer['prediction_id'])).size).toBe(1_000);
    }
  });

  it('takes features for instances, arrays for a matrix, and nothing', async () => {
    const { json } = await client.post('/predict/batch', {
      features: [[17.99, 10.38, 122.8, 1001.0, 0.12], ROW],
    });
    const [one, two] = json['predictions'] as unknown as { prediction: number; probability: number }[];
    expect(one?.probability).toBe(two?.probability);
    expect((await client.post('/predict/batch', { instances: [] })).json).toMatchObject({
      predictions: [],
      failed: 0,
    });
  });

  it.each([{}, { instances: {} }, { instances: 7 }, [ROW], 'text'].map((body) => [JSON.stringify(body)]))(
    'refuses %s',
    async (body) => expectProblem(await client.post('/predict/batch', body), 400, 'REQUEST_MALFORMED'),
  );
});

describe('versions', () => {
  it('POST /predict/v1 is the newest of that major, loaded on demand', async () => {
    const { json, status } = await onDemand(() => client.post('/predict/v1', { features: ROW }));
    expect(status).toBe(200);
    expect(json['model_version']).toBe('1.2.0');
    expect((await client.post('/predict/v1/batch', { instances: [ROW] })).json['model_version']).toBe(
      '1.2.0',
    );
  });

  it('POST /predict/v2 is what serves already', async () => {
    expect((await client.post('/predict/v2', ROW)).json['model_version']).toBe('2.0.0');
    expectProblem(await client.post('/predict/v3', ROW), 404, 'VERSION_NOT_FOUND');
    expectProblem(await client.post('/predict/vx', ROW), 404, 'ROUTE_NOT_FOUND');
  });

  it('POST /predict/v1 is the number of the registry where no version is tagged', async () => {
    expect((await strict.post('/predict/v2', ROW)).json['model_version']).toBe('2');
    const { json } = await onDemand(() => strict.post('/predict/v1', ROW));
    expect(json).toMatchObject({ model: 'plain', model_version: '1' });
  });

  it.each([
    ['/models/credit/predict', '2.0.0'],
    ['/models/risk/predict', '2.0.0'],
    ['/models/credit/versions/2.0.0/predict', '2.0.0'],
    ['/models/risk/versions/3/predict', '2.0.0'],
    ['/models/credit/aliases/production/predict', '2.0.0'],
  ])('POST %s answers at once', async (at, version) => {
    const { json, status } = await client.post(at, { features: ROW });
    expect([status, json['model_version']]).toEqual([200, version]);
    const batch = await client.post(`${at}/batch`, { instances: [ROW] });
    expect([batch.status, batch.json['model_version']]).toEqual([200, version]);
  });

  it('load on demand by number and by alias', async () => {
    const { json } = await onDemand(() => client.post('/models/credit/versions/1.0.0/predict', ROW));
    expect(json['model_version']).toBe('1.0.0');
    const alias = await client.post('/models/risk/aliases/challenger/predict', ROW);
    expect([200, 503]).toContain(alias.status);
  });

  it.each([
    ['/models/nothing/predict', 'MODEL_NOT_FOUND'],
    ['/models/nothing/versions/1/predict', 'MODEL_NOT_FOUND'],
    ['/models/credit/versions/9.9.9/predict', 'VERSION_NOT_FOUND'],
    ['/models/credit/aliases/nobody/predict', 'VERSION_NOT_FOUND'],
  ])('POST %s is %s', async (at, code) => expectProblem(await client.post(at, ROW), 404, code));

  it('redacts the log and not the answer', async () => {
    const { json, status } = await client.post('/models/city/predict', { features: CITY });
    expect(status).toBe(200);
    expect(lineOf(server, json['prediction_id'])?.['input']).toEqual({
      age: 41.5,
      income: 11152.81,
      plan: 'plus',
    });
  });
});

describe('POST /feedback', () => {
  it('takes one label, and a list with a result for each', async () => {
    const { json: answer } = await client.post('/predict', ROW);
    const one = await client.post('/feedback', { prediction_id: answer['prediction_id'], actual: 1 });
    expect(one.json).toMatchObject({ accepted: 1, failed: 0, results: [{ status: 'accepted' }] });
    const list = await client.post('/feedback', [
      { id: 'order-7', actual: 'high', timestamp: '2026-03-01T10:00:00Z' },
      { actual: 1 },
      { prediction_id: 'x', actual: 1, oops: 2 },
      7,
      { prediction_id: 'unknown-yet', actual: null },
    ]);
    expect(list.status).toBe(200);
    expect(list.json).toMatchObject({ accepted: 2, failed: 3 });
    const results = list.json['results'] as unknown as {
      status: string;
      error?: string;
      feedback_id?: string;
    }[];
    expect(results.map(({ status }) => status)).toEqual([
      'accepted',
      'failed',
      'failed',
      'failed',
      'accepted',
    ]);
    expect(results[1]?.error).toContain('prediction_id');
    expect(results[2]?.error).toContain('oops');
    expect(lineOf(server, results[0]?.feedback_id)).toMatchObject({
      'event.action': 'feedback',
      id: 'order-7',
      actual: 'high',
      timestamp: '2026-03-01T10:00:00Z',
    });
  });

  it.each([
    ['no id', { actual: 1 }, 'prediction_id'],
    ['no label', { prediction_id: 'x' }, 'actual'],
    ['a time that is none', { prediction_id: 'x', actual: 1, timestamp: 'today' }, 'timestamp'],
    ['a field of no feedback', { prediction_id: 'x', actual: 1, oops: 2 }, 'oops'],
  ])('refuses %s', async (_, body, at) => {
    const reply = await client.post('/feedback', body);
    expectProblem(reply, 422, 'REQUEST_INVALID');
    expect(reply.json['errors']).toEqual([expect.objectContaining({ path: at })]);
  });

  it('refuses an empty list and a label that is nested too deeply', async () => {
    expectProblem(await client.post('/feedback', []), 422, 'REQUEST_INVALID');
    const deep = `${'['.repeat(7_000)}${']'.repeat(7_000)}`;
    expectProblem(
      await client.post('/feedback', `{"prediction_id":"x","actual":${deep}}`),
      400,
      'BODY_MALFORMED',
    );
  });

  it('changes nothing for another machine', async () => {
    const body = { prediction_id: 'x', actual: 1 };
    expectProblem(
      await client.post('/feedback', body, { 'x-forwarded-for': '203.0.113.9' }),
      403,
      'NOT_ALLOWED',
    );
  });
});

describe('health', () => {
  it('is ok when every endpoint is', async () => {
    const { json, status } = await client.get('/health');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      status: 'ok',
      models: { credit: { state: 'ready', model: 'risk', version: '2.0.0', required: true, reason: null } },
      problems: [],
    });
    expect(json['uptime_s']).toBeGreaterThan(0);
    expect((await client.get('/health/live')).json).toEqual({ live: true });
    const ready = await client.get('/health/ready');
    expect([ready.status, ready.json]).toEqual([200, { ready: true }]);
  });

  it('is degraded, and not ready, while a required endpoint cannot answer; it needs no key', async () => {
    const open = new HttpClient(keyed.url);
    const { json, status } = await open.get('/health');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      status: 'degraded',
      models: { later: { state: 'failed' }, plain: { state: 'ready' } },
    });
    const ready = await open.get('/health/ready');
    expect([ready.status, ready.json]).toEqual([503, { ready: false }]);
    expect((await open.get('/health/live')).status).toBe(200);
    const refused = await strict.post('/models/later/predict', ROW);
    expectProblem(refused, 503, 'NOT_READY');
    expect(refused.headers.get('retry-after')).toBe('30');
  });

  it('the document knows the 503 of readiness', async () => {
    await strict.get('/health/ready');
  });
});

describe('models', () => {
  it('GET /model/info is the version behind POST /predict', async () => {
    const { json, status } = await client.get('/model/info');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      name: 'risk',
      version: '2.0.0',
      number: 3,
      stage: 'Production',
      aliases: ['production'],
      flavor: 'onnx',
      runtime: 'onnx',
      loaded: true,
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      transform_hash: null,
      input_example: ROW,
      signature: { inputs: expect.any(Array), output: { task: 'classification', labels: [0, 1] } },
    });
    expect(Date.parse(json['loaded_since'] as unknown as string)).toBeGreaterThan(0);
  });

  it('GET /models lists every version', async () => {
    const { json } = await client.get('/models');
    const models = json['models'] as unknown as {
      name: string;
      versions: { version: string; loaded: boolean }[];
    }[];
    expect(models.map(({ name }) => name)).toEqual(['city', 'risk']);
    expect(models[1]?.versions.map(({ version }) => version)).toEqual(['2.0.0', '1.2.0', '1.0.0']);
    expect(models[1]?.versions[0]).toMatchObject({ stage: 'Production', loaded: true });
  });

  it('GET /models/{name} is one of them, by endpoint or by model', async () => {
    for (const name of ['credit', 'risk']) {
      const { json, status } = await client.get(`/models/${name}`);
      expect(status).toBe(200);
      expect(json['name']).toBe('risk');
      expect(json['versions']).toHaveLength(3);
    }
    expectProblem(await client.get('/models/nothing'), 404, 'MODEL_NOT_FOUND');
  });
});

describe('metrics', () => {
  it('are Prometheus text', async () => {
    await client.post('/predict', ROW);
    const { text, headers } = await client.get('/metrics');
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toMatch(/^slipway_requests_total\{.*endpoint="credit".*outcome="ok".*\} [1-9]/m);
    for (const name of [
      'slipway_request_duration_seconds',
      'slipway_inflight',
      'slipway_batch_rows',
      'slipway_model_info',
    ])
      expect(text).toContain(`# TYPE ${name} `);
    expect(text).toMatch(/slipway_request_duration_seconds_bucket\{.*stage="total"/);
    expect(text).toMatch(/p99/);
  });

  it('are OpenMetrics when asked', async () => {
    const { text, headers } = await client.get('/metrics', {
      accept: 'application/openmetrics-text; version=1.0.0',
    });
    expect(headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
    expect(text.endsWith('# EOF\n')).toBe(true);
  });

  it.each([
    ['/metrics?format=json', {}],
    ['/metrics', { accept: 'application/json' }],
  ])('are a summary at %s with %j', async (at, headers) => {
    const { json } = await client.get(at, headers as Record<string, string>);
    expect(json).toMatchObject({
      requests: expect.any(Number),
      errors: expect.any(Number),
      error_rate: expect.any(Number),
      latency_ms: {
        p50: expect.any(Number),
        p95: expect.any(Number),
        p99: expect.any(Number),
        avg: expect.any(Number),
      },
      throughput_per_sec: expect.any(Number),
      by_version: expect.any(Object),
    });
  });

  it('count every rejection', async () => {
    const rejected = async (): Promise<number> => {
      const { text } = await client.get('/metrics');
      return Number(
        /slipway_requests_total\{[^}]*endpoint="credit"[^}]*outcome="rejected"[^}]*\} (\d+)/.exec(
          text,
        )?.[1] ?? 0,
      );
    };
    const before = await rejected();
    for (let i = 0; i < 3; i++) await client.post('/predict', {});
    expect(await rejected()).toBe(before + 3);
  });
});

describe('pages', () => {
  it('GET / is HTML for a browser, and JSON for others', async () => {
    const open = new HttpClient(server.url);
    expect((await open.get('/')).json).toEqual({ status: 'alive' });
    const { text, headers } = await open.get('/', { accept: 'text/html,application/xhtml+xml' });
    expect(headers.get('content-type')).toContain('text/html');
    for (const link of ['/docs', '/models', '/metrics', '/health']) expect(text).toContain(`href="${link}"`);
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
  });

  it('GET /docs works from this process alone', async () => {
    const open = new HttpClient(server.url);
    const { text } = await open.get('/docs');
    const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links.length).toBeGreaterThanOrEqual(4);
    for (const link of links) {
      expect(link).toMatch(/^\/docs\//);
      expect((await open.get(link)).status).toBe(200);
    }
  });

  it('GET /openapi.json types each endpoint by its signature', async () => {
    const { json } = await new HttpClient(server.url).get('/openapi.json');
    const document = json as unknown as {
      openapi: string;
      paths: Record<string, unknown>;
      components: { schemas: Record<string, { properties: Record<string, unknown>; required: string[] }> };
    };
    expect(document.openapi).toBe('3.1.0');
    expect(document.components.schemas['city.Input']?.required).toEqual(['age', 'income', 'city', 'plan']);
    expect(JSON.stringify(document.paths['/predict'])).toContain(JSON.stringify({ features: ROW }));
  });

  it.each([
    '/predict',
    '/predict/batch',
    '/predict/v{major}',
    '/predict/v{major}/batch',
    '/models/{name}',
    '/models/{name}/versions/{version}/predict',
    '/models/{name}/versions/{version}/predict/batch',
    '/models/{name}/aliases/{alias}/predict',
    '/models/credit/predict',
    '/feedback',
    '/health',
    '/health/live',
    '/health/ready',
    '/model/info',
    '/models',
    '/metrics',
    '/',
  ])('GET /openapi.json has %s', async (at) => {
    const { json } = await new HttpClient(server.url).get('/openapi.json');
    expect(Object.keys(json['paths'] as unknown as object)).toContain(at);
  });
});

describe('what is refused', () => {
  it.each([
    ['half a body', '{"f0":', /not valid JSON/],
    ['NaN', '{"f0": NaN}', /send null/],
    ['an empty body', '', /empty/],
  ])('400 for %s', async (_, body, detail) => {
    const reply = await client.post('/predict', body);
    expectProblem(reply, 400, 'BODY_MALFORMED');
    expect(reply.json['detail']).toMatch(detail);
  });

  it('401 without the key, and with a wrong one', async () => {
    const open = new HttpClient(keyed.url);
    for (const headers of [{}, { 'x-api-key': 'wrong' }, { authorization: 'Bearer wrong' }] as Record<
      string,
      string
    >[]) {
      for (const at of ['/predict', '/predict/batch', '/models/plain/predict', '/feedback']) {
        const reply = await open.post(at, ROW, headers);
        expectProblem(reply, 401, 'API_KEY_MISSING');
        expect(reply.headers.get('www-authenticate')).toBe('Bearer');
      }
      for (const at of ['/models', '/model/info', '/metrics'])
        expectProblem(await open.get(at, headers), 401, 'API_KEY_MISSING');
    }
    expect((await open.post('/predict', ROW, { authorization: `Bearer ${KEY}` })).status).toBe(200);
  });

  it('404 for what is not there', async () => {
    expectProblem(await client.get('/nothing'), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await client.post('/predict/other', ROW), 404, 'ROUTE_NOT_FOUND');
  });

  it.each([
    ['GET', '/predict', 'POST'],
    ['PUT', '/predict/batch', 'POST'],
    ['POST', '/health', 'GET'],
    ['GET', '/predict/v1', 'POST'],
    ['GET', '/models/credit/predict', 'POST'],
    ['DELETE', '/models/credit', 'GET'],
  ])('405 for %s %s, with what it takes', async (method, at, allowed) => {
    const reply = await client.send(method, at);
    expectProblem(reply, 405, 'METHOD_NOT_ALLOWED');
    expect(reply.json['detail']).toContain(allowed);
    expect(reply.headers.get('allow')).toContain(allowed);
  });

  it('408 for a body that does not come', async () => {
    const socket = connect(keyed.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.write(
      `POST /predict HTTP/1.1\r\nhost: localhost\r\nx-api-key: ${KEY}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    );
    await once(socket, 'close');
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 408 /);
    expect(head).toContain('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({
      status: 408,
      code: 'BODY_TOO_SLOW',
      request_id: expect.any(String),
    });
  });

  it('400 for what is no HTTP, which arrives though the caller goes on writing', async () => {
    const socket = connect(keyed.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.write(`no HTTP at all\r\n\r\n${'x'.repeat(4_000_000)}`);
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 400 .*REQUEST_MALFORMED/s);
  });

  it('413 past the limits', async () => {
    expectProblem(
      await strict.post('/predict', { features: ROW, id: 'x'.repeat(3_000) }),
      413,
      'BODY_TOO_LARGE',
    );
    expectProblem(
      await strict.post('/predict/batch', { instances: [ROW, ROW, ROW, ROW] }),
      413,
      'BODY_TOO_LARGE',
    );
  });

  it.each([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'application/json; charset=latin1' },
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  ] as Record<string, string>[])('415 for %j', async (headers) => {
    expectProblem(
      await client.send('POST', '/predict', JSON.stringify(ROW), headers),
      415,
      'CONTENT_TYPE_UNSUPPORTED',
    );
  });

  it('431 for headers without end', async () => {
    const reply = await client.get('/health', { 'x-much': 'y'.repeat(20_000) });
    expect(reply.status).toBe(431);
    expect(reply.json).toMatchObject({ status: 431, code: 'HEADERS_TOO_LARGE' });
  });

  it('503 while the log cannot be written, and all is well after', async () => {
    const logs = path.join(keyed.cwd, 'logs');
    renameSync(logs, `${logs}-away`);
    writeFileSync(logs, '');
    try {
      const reply = await strict.post('/predict', ROW);
      expectProblem(reply, 503, 'LOG_UNWRITABLE');
      expect(reply.headers.get('retry-after')).toBe('5');
      expect(reply.json).not.toHaveProperty('prediction');
      expectProblem(await strict.post('/feedback', { id: 'x', actual: 1 }), 503, 'LOG_UNWRITABLE');
      expect((await new HttpClient(keyed.url).get('/health')).json['problems']).toContainEqual(
        expect.stringContaining('the prediction log cannot be written'),
      );
    } finally {
      renameSync(logs, `${logs}-file`);
      renameSync(`${logs}-away`, logs);
    }
    let status = 503;
    for (let i = 0; i < 5_000 && status === 503; i++) status = (await strict.post('/predict', ROW)).status;
    expect(status).toBe(200);
  });
});

describe('request ids', () => {
  it('are the trace of the caller, in answer, problem and log', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traceparent = `00-${trace}-00f067aa0ba902b7-01`;
    const { json, headers } = await client.post('/predict', ROW, { traceparent });
    expect(headers.get('x-request-id')).toBe(trace);
    expect(lineOf(server, json['prediction_id'])?.['trace.id']).toBe(trace);
    expect((await client.post('/predict', {}, { traceparent })).json['request_id']).toBe(trace);
  });

  it('are new otherwise', async () => {
    const [one, two] = [
      await client.get('/health'),
      await client.get('/health', { traceparent: 'nonsense' }),
    ];
    expect(one.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    expect(two.headers.get('x-request-id')).not.toBe(one.headers.get('x-request-id'));
  });
});

describe('shutting down', () => {
  it('is not ready from the signal on, and answers what open connections send', async () => {
    const last = await servers.start({ server: { port: 0 }, endpoints: { plain: { model: 'plain' } } }, [
      { location: fixture('xgboost-binary'), name: 'plain', exampleRows: [ROW] },
    ]);
    const socket = connect(last.port, '127.0.0.1');
    const next = async (request: string): Promise<string> => {
      socket.write(request);
      const [chunk] = await once(socket, 'data');
      return String(chunk);
    };
    expect(await next('GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    const stopping = last.stop();
    const answer = await next('GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toMatch(/connection: close/i);
    await stopping;
    expect(logLines(last).map((line) => line['event.action'])).toEqual(['segment.opened', 'segment.closed']);
    await expect(fetch(`${last.url}/health`)).rejects.toThrow();
  });
});
