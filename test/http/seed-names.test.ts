import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Registration } from '../../src/models/registry/registry.ts';
import { HttpClient } from '../support/http-client.ts';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';

/** What the five seed documents call things, answered as they wrote it. */
const EXAMPLE = path.resolve(import.meta.dirname, '../../examples/sales-quantity');
const CREDIT = [18.61, 20.25, 122.1, 1094.0, 0.09];

let servers: SourceServers;
let sales: HttpClient;
let credit: HttpClient;

beforeAll(async () => {
  servers = await buildSourceServers();
  const start = async (model: string, registration: Registration) =>
    new HttpClient(
      (await servers.start({ server: { port: 0 }, endpoints: { main: { model } } }, [registration])).url,
    );
  sales = await start('models:/sales-quantity-classifier/Production', {
    location: path.join(EXAMPLE, 'model'),
    aliases: ['production'],
  });
  credit = await start('credit-risk', {
    location: fixture('xgboost-binary'),
    name: 'credit-risk',
    semver: '1.0.0',
    exampleRows: [Object.fromEntries(CREDIT.map((value, i) => [`f${i}`, value]))],
  });
}, 60_000);

afterAll(() => servers.stop());

describe('sales quantity (seed 000)', () => {
  it('answers raw transaction fields with prediction and confidence', async () => {
    const lines = readFileSync(path.join(EXAMPLE, 'traffic.jsonl'), 'utf8').trim().split('\n').slice(0, 50);
    for (const line of lines) {
      const { features } = JSON.parse(line) as { features: object };
      for (const body of [features, { features }]) {
        const { json, status, text } = await sales.post('/predict', body);
        expect(status, text).toBe(200);
        expect(['low', 'medium', 'high']).toContain(json['prediction']);
        expect(json['confidence']).toBeGreaterThan(1 / 3);
        expect(json['confidence']).toBeLessThanOrEqual(1);
        expect(json['confidence']).toBe(
          (json['probabilities'] as unknown as Record<string, number>)[String(json['prediction'])],
        );
        expect(json['model_version']).toBe('2.0.0');
      }
    }
  });

  it('is the approved version of models:/sales-quantity-classifier/Production', async () => {
    expect((await sales.get('/model/info')).json).toMatchObject({
      name: 'sales-quantity-classifier',
      stage: 'Production',
      version: '2.0.0',
      training: { metrics: { accuracy: expect.any(Number) }, baseline: expect.any(Object) },
    });
  });

  it('says which raw field is missing', async () => {
    const { status, json } = await sales.post('/predict', { timestamp: 1509360892 });
    expect(status).toBe(422);
    expect(json['errors']).toHaveLength(15);
  });
});

describe('credit risk (seed 003)', () => {
  it('answers a binary model with prediction 0 and the probability of the positive class', async () => {
    const { json } = await credit.post('/predict', { features: CREDIT });
    expect(json).toMatchObject({ prediction: 0, model_version: '1.0.0' });
    expect(json['probability']).toBeCloseTo(0.0997948125, 5);
    expect(json['confidence']).toBeCloseTo(0.900205195, 5);
    expect(json['inference_time_ms']).toBeGreaterThan(0);
  });

  it('keeps that meaning when the class is 1', async () => {
    const { json } = await credit.post('/predict', { features: [12.3, 15.9, 78.83, 463.7, 0.08] });
    expect(json['prediction']).toBe(1);
    expect(json['probability']).toBeCloseTo(0.929681897, 5);
    expect(json['probability']).toBe(json['confidence']);
  });

  it('keeps it in a batch', async () => {
    const { json } = await credit.post('/predict/batch', { instances: [CREDIT] });
    const [first] = json['predictions'] as unknown as { prediction: number; probability: number }[];
    expect(first?.prediction).toBe(0);
    expect(first?.probability).toBeCloseTo(0.0997948125, 5);
  });
});

describe('the endpoints of the seeds', () => {
  it.each([
    ['/health', /"status":"ok"/],
    ['/model/info', /"version":"[12]\.0\.0"/],
    ['/metrics', /^slipway_requests_total/m],
    ['/docs', /<html/],
    ['/', /alive/],
  ])('GET %s', async (at, content) => {
    for (const client of [sales, credit]) {
      const { status, text } = await client.get(at);
      expect(status).toBe(200);
      expect(text).toMatch(content);
    }
  });

  it('POST /predict/v1 (seed 002)', async () => {
    expect((await credit.post('/predict/v1', { features: CREDIT })).json['model_version']).toBe('1.0.0');
  });
});
