import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltServer, SALES_MODEL, startServer } from '../support/server.ts';

/** Contracts, section 1, on the built server: each way to ask and each way to be refused. */
const ROW = {
  timestamp: 1509360892,
  store_id: 388,
  household_id: 922,
  product_id: 1127831,
  department: 'PRODUCE',
  brand: 'National',
  product_category: 'BERRIES',
  product_type: 'STRAWBERRIES',
  package_size: '16 OZ',
  unit_price: 2.99,
  unit_discount: 0.49,
  display_location: 'none',
  mailer_location: 'none',
  age: '45-54',
  income: '35-49K',
  household_size: '1',
};
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let directory: string;
let server: BuiltServer;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'slipway-http-'));
  const config = {
    server: { request_timeout_ms: 1_000, body_limit_bytes: 200_000 },
    serving: { max_request_rows: 50 },
  };
  server = await startServer({ directory, model: SALES_MODEL, config });
});
afterAll(async () => {
  await server.terminate();
  rmSync(directory, { recursive: true, force: true });
});

async function post(route: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(server.url + route, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: text,
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, never>,
  };
}

async function get(route: string, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + route, { headers });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
}

function expectProblem(answer: Awaited<ReturnType<typeof post>>, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status, code });
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(Object.keys(answer.body)).toEqual(
    expect.arrayContaining(['type', 'title', 'status', 'detail', 'code', 'request_id']),
  );
}

describe('a prediction', () => {
  it.each([
    ['wrapped', '/predict', { features: ROW }],
    ['flat', '/predict', ROW],
    ['by major', '/predict/v1', ROW],
    ['by endpoint', '/models/default/predict', ROW],
    ['by model', '/models/sales-quantity-classifier/predict', ROW],
    ['by number', '/models/sales-quantity-classifier/versions/1/predict', ROW],
    ['by semantic version', '/models/sales-quantity-classifier/versions/1.0.0/predict', ROW],
  ])('%s has every field of the contract', async (_name, route, body) => {
    const answer = await post(route, body);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      prediction: 'low',
      confidence: expect.closeTo(0.6794, 3),
      probability: expect.closeTo(0.6794, 3),
      probabilities: { low: expect.any(Number), medium: expect.any(Number), high: expect.any(Number) },
      model: 'sales-quantity-classifier',
      model_version: '1.0.0',
      prediction_id: expect.stringMatching(UUID_V7),
      inference_time_ms: expect.any(Number),
    });
    expect(answer.body['inference_time_ms']).toBeGreaterThan(0);
  });

  it('takes over a trace and says its id', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const { headers } = await post('/predict', ROW, { traceparent: `00-${trace}-00f067aa0ba902b7-01` });
    expect(headers.get('x-request-id')).toBe(trace);
  });

  it('names every bad field at once and never the value', async () => {
    const secret = 'marker-7f3a';
    const answer = await post('/predict', {
      features: { ...ROW, unit_price: secret, store_id: 1.5, brand: undefined, surplus: secret },
    });
    expectProblem(answer, 422, 'INPUT_INVALID');
    const errors = answer.body['errors'] as unknown as { path: string }[];
    expect(errors.map((error) => error.path).sort()).toEqual(['brand', 'store_id', 'surplus', 'unit_price']);
    expect(JSON.stringify(answer.body)).not.toContain(secret);
  });

  it.each([
    ['malformed JSON', '{"features": ', {}, 400, 'BODY_MALFORMED'],
    ['NaN', '{"unit_price": NaN}', {}, 400, 'BODY_MALFORMED'],
    ['too large a number', JSON.stringify(ROW).replace('2.99', '1e999'), {}, 422, 'INPUT_INVALID'],
    [
      'another type',
      'a=1',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'CONTENT_TYPE_UNSUPPORTED',
    ],
    [
      'another charset',
      JSON.stringify(ROW),
      { 'content-type': 'application/json; charset=latin1' },
      415,
      'CONTENT_TYPE_UNSUPPORTED',
    ],
    ['something beside features', { features: ROW, model: 'x' }, {}, 422, 'REQUEST_INVALID'],
    ['too large a body', { features: { ...ROW, brand: 'x'.repeat(300_000) } }, {}, 413, 'BODY_TOO_LARGE'],
    ['__proto__', '{"__proto__": {"a": 1}}', {}, 422, 'INPUT_INVALID'],
  ])('%s is refused as documented', async (_name, body, headers, status, code) => {
    expectProblem(await post('/predict', body, headers as Record<string, string>), status, code);
  });

  it.each([
    ['/models/nobody/predict', 404, 'MODEL_NOT_FOUND'],
    ['/models/sales-quantity-classifier/versions/9/predict', 404, 'VERSION_NOT_FOUND'],
    ['/models/sales-quantity-classifier/aliases/champion/predict', 404, 'VERSION_NOT_FOUND'],
    ['/predict/v9', 404, 'VERSION_NOT_FOUND'],
    ['/nowhere', 404, 'ROUTE_NOT_FOUND'],
  ])('%s: %i', async (route, status, code) => {
    expectProblem(await post(route, ROW), status, code);
  });

  it('another method is 405', async () => {
    const response = await fetch(`${server.url}/predict`, { method: 'DELETE' });
    expect(response.status).toBe(405);
  });

  it('a body that does not arrive is 408', async () => {
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      const slow = request(
        `${server.url}/predict`,
        { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': 100 } },
        (response) => resolve(response.statusCode),
      );
      slow.on('error', reject);
      slow.write('{');
    });
    expect(status).toBe(408);
  });
});

describe('a batch', () => {
  it('answers the good rows and says what is wrong with the bad one', async () => {
    const answer = await post('/predict/batch', { instances: [ROW, { ...ROW, store_id: 'x' }, ROW] });
    const predictions = answer.body['predictions'] as unknown as Record<string, { code?: string }>[];
    expect(answer.status).toBe(200);
    expect(answer.body['failed']).toBe(1);
    expect(
      predictions.map((prediction) =>
        'error' in prediction ? prediction['error']?.code : prediction['prediction'],
      ),
    ).toEqual(['low', 'INPUT_INVALID', 'low']);
  });

  it.each([
    ['no instances', { rows: [] }, 400, 'REQUEST_MALFORMED'],
    ['too many rows', { instances: Array.from({ length: 51 }, () => ROW) }, 413, 'BODY_TOO_LARGE'],
  ])('%s is refused', async (_name, body, status, code) => {
    expectProblem(await post('/predict/batch', body), status, code);
  });
});

describe('feedback', () => {
  it('is taken for one prediction, with its own id', async () => {
    const { body } = await post('/predict', ROW);
    const answer = await post('/feedback', { prediction_id: body['prediction_id'], actual: 'medium' });
    expect(answer.body).toMatchObject({
      accepted: 1,
      failed: 0,
      results: [{ status: 'accepted', feedback_id: expect.stringMatching(UUID_V7) }],
    });
  });

  it('has a result for each of a list', async () => {
    const answer = await post('/feedback', [{ id: 'mine-1', actual: 1 }, { actual: 1 }]);
    expect(answer.body).toMatchObject({
      accepted: 1,
      failed: 1,
      results: [{ status: 'accepted' }, { status: 'failed' }],
    });
  });

  it('of a caller behind a proxy needs a key', async () => {
    expectProblem(
      await post('/feedback', { id: 'x', actual: 1 }, { 'x-forwarded-for': '203.0.113.9' }),
      403,
      'NOT_ALLOWED',
    );
  });
});

describe('what is running', () => {
  it('health says the models, live and ready answer', async () => {
    expect(JSON.parse((await get('/health')).text)).toMatchObject({
      status: 'ok',
      models: {
        default: { state: 'ready', model: 'sales-quantity-classifier', version: '1.0.0', required: true },
      },
      uptime_s: expect.any(Number),
    });
    expect(JSON.parse((await get('/health/live')).text)).toEqual({ live: true });
    expect(JSON.parse((await get('/health/ready')).text)).toEqual({ ready: true });
  });

  it('model info has signature, training metrics and digest', async () => {
    const info = JSON.parse((await get('/model/info')).text);
    expect(info).toMatchObject({
      name: 'sales-quantity-classifier',
      version: '1.0.0',
      number: 1,
      stage: 'None',
      flavor: 'onnx',
      loaded: true,
    });
    expect(info.signature.inputs).toHaveLength(16);
    expect(info.training.metrics).toBeDefined();
    expect(info.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(JSON.parse((await get('/models')).text).models).toHaveLength(1);
    expect(JSON.parse((await get('/models/sales-quantity-classifier')).text).versions).toHaveLength(1);
  });

  it('metrics come as Prometheus text, OpenMetrics and JSON', async () => {
    const text = await get('/metrics');
    expect(text.type).toMatch(/^text\/plain/);
    expect(text.text).toContain(
      'slipway_requests_total{endpoint="default",model="sales-quantity-classifier",version="1.0.0",outcome="ok"}',
    );
    expect((await get('/metrics', { accept: 'application/openmetrics-text; version=1.0.0' })).text).toMatch(
      /# EOF\n$/,
    );
    expect(Object.keys(JSON.parse((await get('/metrics?format=json')).text))).toEqual([
      'requests',
      'errors',
      'error_rate',
      'latency_ms',
      'throughput_per_sec',
      'by_version',
    ]);
  });

  it('the documentation is typed by the signature and its example is answered', async () => {
    const document = JSON.parse((await get('/openapi.json')).text);
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.components.schemas['default.Input'].properties)).toEqual(Object.keys(ROW));
    const { example } = document.paths['/predict'].post.requestBody.content['application/json'];
    expect((await post('/predict', example)).status).toBe(200);
    expect((await get('/docs')).type).toMatch(/^text\/html/);
    expect((await get('/', { accept: 'text/html' })).text).toContain('<h1>Slipway');
    expect(JSON.parse((await get('/')).text)).toEqual({ status: 'alive' });
  });
});
