import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FieldInfo } from '../../src/contracts/native.ts';
import type { JsonValue } from '../../src/kernel/json.ts';
import type { Registration } from '../../src/models/registry/registry.ts';
import { documentFiles } from '../../src/models/transform-files.ts';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';
import { WARD_ROW, WARD_TRANSFORM } from '../support/ward-transform.ts';

/** One behaviour in many dialects: the same random rows give the same predictions and the same log lines. */
type Row = Record<string, JsonValue>;
type Line = Record<string, unknown>;

const SEED = Number(process.env['DIALECT_SEED'] ?? 20);
const ROUNDS = 12;

const MODELS: Readonly<Record<string, Registration>> = {
  'strings-zipmap': { location: fixture('sklearn-strings-zipmap'), name: 'm' },
  'mlflow-directory': { location: path.join(path.dirname(fixture('mlflow-dir')), 'model'), name: 'm' },
  'matrix-that-takes-null': { location: fixture('sklearn-hgb-missing'), name: 'm' },
  regression: { location: fixture('sklearn-ridge'), name: 'm' },
  'numeric-types': { location: fixture('all-numeric-types'), name: 'm' },
  'raw-fields': {
    location: fixture('xgboost-binary'),
    name: 'm',
    transform: documentFiles(WARD_TRANSFORM),
    exampleRows: [WARD_ROW],
  },
};
/** Words of the categorical fields of the fixtures; anything else of a field's type is as good. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  city: ['Łódź', 'São Paulo', 'a, "b"', 'NA'],
  plan: ['plus', 'basic', ' '],
  seen: ['2026-03-01', '2026-12-31 23:59:59', '2026-03-01T10:00:00+02:00'],
  ward: ['A', 'B'],
};

let servers: SourceServers;
beforeAll(async () => {
  servers = await buildSourceServers();
}, 60_000);
afterAll(() => servers.stop());

describe.each(Object.entries(MODELS))('%s', (_name, registration) => {
  let url: string;
  let logs: string;
  let fields: readonly FieldInfo[];

  beforeAll(async () => {
    const server = await servers.start({ server: { port: 0 }, endpoints: { e: { model: 'm' } } }, [
      registration,
    ]);
    url = server.url;
    logs = path.join(server.cwd, 'logs');
    const info = (await (await fetch(`${url}/model/info`)).json()) as { signature: { inputs: FieldInfo[] } };
    fields = info.signature.inputs;
  }, 60_000);

  it('answers and logs the same in every dialect', async () => {
    const random = randomOf(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      const count = round === 0 ? 1 : 1 + Math.floor(random() * 9);
      const rows = Array.from({ length: count }, () => rowOf(fields, random));
      const seen = read(logs).length;
      const native = await post(`${url}/predict/batch`, { instances: rows });
      const expected = (native['predictions'] as Row[]).map(({ prediction, probabilities }) => ({
        prediction,
        probabilities: floats(probabilities),
      }));
      const lines = read(logs).slice(seen);
      for (const [dialect, ask] of Object.entries(dialects(url, fields, rows))) {
        const before = read(logs).length;
        const body = await ask();
        const wanted = dialect === 'kserve-v1' ? expected.map(({ prediction }) => prediction) : expected;
        expect(answersOf(dialect, body, count), `seed ${SEED}, ${dialect}`).toEqual(wanted);
        expect(
          read(logs).slice(before).map(comparable).sort(byText),
          `seed ${SEED}, lines of ${dialect}`,
        ).toEqual(lines.map(comparable).sort(byText));
        expect(
          new Set(
            read(logs)
              .slice(before)
              .map((line) => line['dialect']),
          ),
        ).toEqual(new Set([dialect.split(' ')[0]]));
      }
    }
  });

  it('refuses the same rows in every dialect, with a line each', async () => {
    const random = randomOf(SEED + 1);
    const row = rowOf(fields, random);
    const [first] = fields as [FieldInfo];
    const bad = { ...row, [first.name]: { not: 'a value' } };
    const native = await fetch(`${url}/predict`, request({ features: bad }));
    expect(native.status).toBe(422);
    for (const [where, body] of [
      ['/invocations', { dataframe_records: [row, bad] }],
      ['/invocations', { instances: [bad] }],
      ['/v1/models/e:predict', { instances: [row, bad] }],
    ] as const) {
      const before = read(logs).length;
      const reply = await fetch(url + where, request(body));
      expect([where, reply.status]).toEqual([where, 400]);
      expect(reply.headers.get('content-type')).toBe('application/json');
      expect(await reply.text()).toContain(first.name);
      const [line, ...more] = read(logs).slice(before);
      expect(more).toEqual([]);
      expect(line).toMatchObject({ 'event.outcome': 'rejected', 'error.code': 'INPUT_INVALID' });
    }
  });
});

function dialects(
  url: string,
  fields: readonly FieldInfo[],
  rows: readonly Row[],
): Record<string, () => Promise<Row>> {
  const columns = fields.map(({ name }) => name);
  const data = rows.map((row) => columns.map((name) => row[name] ?? null));
  const invoke = (body: object) => () => post(`${url}/invocations`, body);
  const backwards = rows.map((row) => Object.fromEntries(Object.entries(row).reverse()));
  const csv = [columns, ...data].map((cells) => cells.map(csvCell).join(',')).join('\r\n');
  return {
    'mlflow records': invoke({ dataframe_records: rows }),
    'mlflow records backwards': invoke({ dataframe_records: backwards }),
    'mlflow split': invoke({ dataframe_split: { columns, data } }),
    'mlflow inputs': invoke({
      inputs: Object.fromEntries(columns.map((name, i) => [name, data.map((cells) => cells[i] ?? null)])),
    }),
    'mlflow instances': invoke({ instances: rows }),
    'mlflow csv': () => post(`${url}/invocations`, csv, 'text/csv; charset=utf-8'),
    'kserve-v1': () => post(`${url}/v1/models/e:predict`, { instances: rows }),
  };
}

/** The native API writes a float32 in the shortest text that names it, MLflow as the double that it is. */
function floats(probabilities: JsonValue | undefined): readonly number[] | null {
  if (probabilities === undefined) return null;
  return (Object.values(probabilities as object) as number[]).map(Math.fround).sort((a, b) => a - b);
}

/** Prediction and sorted probabilities of each row, from records or from one tensor an output. */
function answersOf(dialect: string, { predictions }: Row, count: number): unknown {
  if (dialect === 'kserve-v1') return predictions;
  const records = Array.isArray(predictions)
    ? predictions
    : Array.from({ length: count }, (_, row) =>
        Object.fromEntries(
          Object.entries(predictions as Row).map(([name, all]) => [name, (all as JsonValue[])[row]]),
        ),
      );
  return (records as Row[]).map((record) => {
    const parts = Object.values(record).map((value) =>
      Array.isArray(value) && value.length === 1 ? value[0] : value,
    );
    const probabilities = parts.find((value) => typeof value === 'object' && value !== null);
    return {
      prediction: parts.find((value) => value === null || typeof value !== 'object'),
      probabilities: floats(probabilities),
    };
  });
}

function rowOf(fields: readonly FieldInfo[], random: () => number): Row {
  return Object.fromEntries(fields.map((field) => [field.name, cellOf(field, random)]));
}

function cellOf({ name, type, nullable, minimum, maximum }: FieldInfo, random: () => number): JsonValue {
  if (nullable && random() < 0.2) return null;
  const words = WORDS[name];
  if (words !== undefined) return words[Math.floor(random() * words.length)] as string;
  if (type === 'bool') return random() < 0.5;
  const least = minimum ?? (type.startsWith('u') ? 0 : -100);
  const number = least + random() * ((maximum ?? 100) - least);
  return type.startsWith('float') ? number : Math.trunc(number);
}

function csvCell(value: JsonValue): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function comparable(line: Line): Line {
  const { dialect: _d, 'event.id': _i, '@timestamp': _t, latency_ms: _l, 'trace.id': _r, ...rest } = line;
  return rest;
}

function byText(a: Line, b: Line): number {
  return JSON.stringify(a).localeCompare(JSON.stringify(b));
}

function read(logs: string): Line[] {
  return readdirSync(logs)
    .filter((name) => name.startsWith('predictions-') && existsSync(path.join(logs, name)))
    .sort()
    .flatMap((name) => readFileSync(path.join(logs, name), 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line['event.action'] === 'prediction');
}

function request(body: object): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

async function post(url: string, body: object | string, type = 'application/json'): Promise<Row> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const reply = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: text });
  const answer = await reply.text();
  if (reply.status !== 200) throw new Error(`${url} ${reply.status}: ${answer}\n${text.slice(0, 2000)}`);
  return JSON.parse(answer) as Row;
}

/** mulberry32: the same numbers for the same seed on every machine. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
