import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JsonObject } from '../../src/kernel/json.ts';
import { answer, FaultyPeer, hang, reset, status } from '../support/faulty-peer.ts';
import { HttpClient } from '../support/http-client.ts';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';

/** Models of every form of input and output that a server of the protocol has. */
const MODELS = [
  'all-numeric-types',
  'dynamic-width',
  'lightgbm-classifier',
  'sklearn-bool-labels',
  'sklearn-iris-zipmap',
  'sklearn-ridge',
  'sklearn-strings-nozipmap',
  'sklearn-zipmap-columns',
  'string-output',
  'torch-style-fixed-batch-1',
  'torch-style-image',
  'torch-style-logits',
  'torch-style-sigmoid-binary',
  'torch-style-softmax',
  'two-matrix-inputs',
  'xgboost-binary',
  'xgboost-multiclass',
  'xgboost-regressor',
] as const;
/** Its graph says that it answers one number a row, and it answers three. */
const UNTRUE = 'sklearn-multioutput-regression';

type Server = Awaited<ReturnType<SourceServers['start']>>;
let servers: SourceServers;
let peer: Server;
let front: Server;
let faulty: FaultyPeer;
const clients = () => [peer, front].map(({ url }) => new HttpClient(url)) as [HttpClient, HttpClient];

beforeAll(async () => {
  servers = await buildSourceServers();
  peer = await servers.start(
    { server: { port: 0 }, default_endpoint: MODELS[0], endpoints: endpointsOf((name) => name) },
    [...MODELS, UNTRUE].map((name) => ({ location: fixture(name), name })),
  );
  faulty = await FaultyPeer.start();
  front = await servers.start(
    {
      server: { port: 0 },
      remote: { timeout_ms: 500, retries: 0, breaker_failures: 2, breaker_open_ms: 1_000 },
      default_endpoint: 'double',
      endpoints: {
        ...endpointsOf((name) => `${peer.url}/v2/models/${name}`),
        double: { model: `${faulty.url}/v2/models/double` },
      },
    },
    [],
  );
}, 120_000);

afterAll(async () => {
  await servers.stop();
  await faulty.stop();
});

function endpointsOf(modelOf: (name: string) => string): Record<string, { model: string }> {
  return Object.fromEntries([...MODELS, UNTRUE].map((name) => [name, { model: modelOf(name) }]));
}

/** Rows that a server takes which says nothing of missing values. */
function rowsOf(name: string): readonly JsonObject[] {
  const { rows } = JSON.parse(readFileSync(path.join(path.dirname(fixture(name)), 'case.json'), 'utf8')) as {
    readonly rows: readonly JsonObject[];
  };
  return rows.filter((row) => !JSON.stringify(row).includes('null')).slice(0, 50);
}

describe('a model of another Slipway', () => {
  it.each(MODELS)('%s answers as it does there', async (name) => {
    const rows = rowsOf(name);
    expect(rows.length).toBeGreaterThan(0);
    const [there, here] = await Promise.all(
      clients().map((client) => client.post(`/models/${name}/predict/batch`, { instances: rows })),
    );
    expect([there?.status, here?.status]).toEqual([200, 200]);
    expect(answersOf(here?.json)).toEqual(answersOf(there?.json));
  });
});

it('is not believed where it answers otherwise than it says', async () => {
  const [features] = rowsOf(UNTRUE);
  const { status: code, json } = await new HttpClient(front.url).post(`/models/${UNTRUE}/predict`, {
    features,
  });
  expect([code, json['code']]).toEqual([502, 'REMOTE_FAILED']);
});

/** What a caller is told beside ids and times. */
function answersOf(json: unknown): readonly object[] {
  const { predictions } = json as { readonly predictions: readonly JsonObject[] };
  return predictions.map(({ prediction_id: _, ...answer }) => answer);
}

describe('a server that fails', () => {
  const predict = () => new HttpClient(front.url).post('/predict', { features: { x: 4 } });
  const problems = async () =>
    ((await new HttpClient(front.url).get('/health')).json as unknown as { problems: string[] }).problems;

  beforeEach(() => vi.waitFor(async () => expect((await predict()).status).toBe(200), { timeout: 10_000 }));

  it('is a 502 that says nothing of it, and the log has what it said', async () => {
    faulty.next(status(404));
    const { status: code, json, text } = await predict();
    expect([code, json['code']]).toEqual([502, 'REMOTE_FAILED']);
    expect(text).not.toMatch(/secret|127\.0\.0\.1/);
    expect((await new HttpClient(front.url).get('/health')).text).not.toContain('secret');
    await vi.waitFor(() => {
      const log = readFileSync(path.join(front.cwd, 'logs/app.log'), 'utf8').split('\n');
      const line = log.find((each) => each.includes(json['request_id'] as unknown as string));
      expect(line).toContain('the secret of the server');
    });
  });

  it('is a 504 where it is too slow', async () => {
    faulty.next(hang);
    const { status: code, json, text } = await predict();
    expect([code, json['code']]).toEqual([504, 'DEADLINE_EXCEEDED']);
    expect(text).not.toMatch(/127\.0\.0\.1/);
  });

  it('is a 503 with the time to come back while it is left alone, and health says why', async () => {
    faulty.next(reset, reset);
    expect([(await predict()).status, (await predict()).status]).toEqual([502, 502]);
    expect(await problems()).toEqual([
      expect.stringMatching(/^endpoint double: its model is degraded: .*circuit breaker/),
    ]);
    const refused = await predict();
    expect([refused.status, refused.json['code'], refused.headers.get('retry-after')]).toEqual([
      503,
      'NOT_READY',
      '1',
    ]);
    await vi.waitFor(async () => expect((await predict()).status).toBe(200), { timeout: 10_000 });
    expect(await problems()).toEqual([]);
  });

  it('fails the bad row of a batch alone', async () => {
    const refuseMinus: typeof answer = (response, body) => {
      const isBad = JSON.parse(body.toString()).inputs[0].data.includes(-1);
      (isBad ? status(500) : answer)(response, body);
    };
    faulty.next(...Array.from({ length: 7 }, () => refuseMinus));
    const { status: code, json } = await new HttpClient(front.url).post('/models/double/predict/batch', {
      instances: [1, 2, -1, 4].map((x) => ({ x })),
    });
    expect(code).toBe(200);
    const { predictions } = json as unknown as { readonly predictions: readonly JsonObject[] };
    expect(predictions.map(({ prediction, error }) => prediction ?? error)).toEqual([
      2,
      4,
      expect.objectContaining({ code: 'REMOTE_FAILED' }),
      8,
    ]);
  });
});
