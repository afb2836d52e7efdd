import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentFiles } from '../../src/models/transform-files.ts';
import { HttpClient } from '../support/http-client.ts';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';
import { WARD_ROW, WARD_TRANSFORM } from '../support/ward-transform.ts';

let servers: SourceServers;
let client: HttpClient;
let logs: string;
let document: Record<string, never>;

beforeAll(async () => {
  servers = await buildSourceServers();
  const server = await servers.start({ server: { port: 0 }, endpoints: { wards: { model: 'wards' } } }, [
    {
      location: fixture('xgboost-binary'),
      name: 'wards',
      transform: documentFiles(WARD_TRANSFORM),
      exampleRows: [WARD_ROW],
    },
  ]);
  logs = path.join(server.cwd, 'logs');
  client = new HttpClient(server.url);
  document = await client.learnDocument();
}, 60_000);
afterAll(() => servers.stop());

function lines(): Record<string, unknown>[] {
  return readdirSync(logs)
    .filter((name) => name.startsWith('predictions') && existsSync(path.join(logs, name)))
    .flatMap((name) => readFileSync(path.join(logs, name), 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a version with a transform', () => {
  it('takes raw fields, and logs them with the fingerprint of what made numbers of them', async () => {
    const reply = await client.post('/predict', WARD_ROW);
    expect(reply.status).toBe(200);
    expect([0, 1]).toContain(reply.json['prediction']);
    const info = await client.get('/model/info');
    expect(info.json['transform_hash']).toMatch(/^[0-9a-f]{64}$/);
    const line = lines().find((each) => each['event.id'] === reply.json['prediction_id']);
    expect(line).toMatchObject({ input: WARD_ROW, transform_hash: info.json['transform_hash'] });
  });

  it('answers a large batch as it answers its rows', async () => {
    const instances = Array.from({ length: 300 }, (_, i) => ({
      radius: i / 3,
      texture: i % 7 === 0 ? null : i % 40,
      seen: `2026-${String(1 + (i % 12)).padStart(2, '0')}-15T10:00:00Z`,
      ward: i % 2 === 0 ? 'A' : 'B',
    }));
    for (let turn = 0; turn < 3; turn++) {
      const batch = await client.post('/predict/batch', { instances });
      const answers = batch.json['predictions'] as unknown as { probability: number }[];
      expect(answers).toHaveLength(300);
      for (const i of [0, 1, 7, 150, 299]) {
        const alone = await client.post('/predict', instances[i]);
        expect(answers[i]?.probability).toBe(alone.json['probability']);
      }
    }
  });

  it('names everything that does not fit the raw fields', async () => {
    const reply = await client.post('/predict', { radius: 101, seen: 'yesterday', ward: 'C', colour: 'red' });
    expect(reply.status).toBe(422);
    const errors = reply.json['errors'] as unknown as { path: string; message: string }[];
    expect(Object.fromEntries(errors.map((error) => [error.path, error.message]))).toEqual({
      radius: expect.stringContaining('from 0 to 100'),
      seen: expect.stringContaining('date or time'),
      ward: expect.stringContaining('one of A, B'),
      colour: expect.any(String),
    });
  });

  it('documents the rules of its fields', () => {
    const schemas = (document['components'] as unknown as { schemas: Record<string, never> }).schemas;
    expect(schemas['wards.Input']).toMatchObject({
      required: ['radius', 'seen', 'ward'],
      properties: {
        radius: { type: 'number', minimum: 0, maximum: 100, description: expect.stringContaining('mm') },
        texture: { type: ['number', 'null'] },
        seen: { type: 'string', format: 'date-time' },
        ward: { type: 'string', enum: ['A', 'B'] },
      },
    });
  });
});
