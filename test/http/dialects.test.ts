import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FieldInfo } from '../../src/contracts/native.ts';
import type { JsonValue } from '../../src/kernel/json.ts';
import type { Registration } from '../../src/models/registry/registry.ts';
import { documentFiles } from '../../src/models/transform-files.ts';
import { type Ask, askBatch, dialectsOf, type Row } from '../support/dialects.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { buildSourceServers, fixture, type SourceServers } from '../support/source-server.ts';

/** One behaviour in many dialects: the same random rows give the same predictions, refusals and log lines. */
type Line = Record<string, unknown>;

const SEED = Number(process.env['DIALECT_SEED'] ?? 20);
const ROUNDS = 12;
const BAD_ROWS = 24;

/** A number, an integer and a boolean that may be missing, a time and a text, for the five inputs of xgboost-binary. */
const VISITS = {
  schema: 'slipway.transform/1',
  fields: [
    { name: 'amount', type: 'number', minimum: 0, maximum: 100 },
    { name: 'items', type: 'integer', required: false },
    { name: 'member', type: 'boolean', required: false },
    { name: 'seen', type: 'datetime', required: false },
    { name: 'ward', type: 'string', required: false },
  ],
  outputs: [
    { name: 'amount', from: 'amount', steps: [{ op: 'log1p' }], missing: 'nan' },
    { name: 'items', from: 'items', missing: 'nan' },
    { name: 'member', from: 'member', missing: 'nan' },
    { name: 'month', from: 'seen', steps: [{ op: 'month' }], missing: 'nan' },
    {
      name: 'ward',
      from: 'ward',
      steps: [
        { op: 'ordinal', unknown: 'error', missing: 'zeros', fitted: { categories: ['A', 'B, or "b"'] } },
      ],
    },
  ],
};
const VISIT = { amount: 14.2, items: 3, member: true, seen: '2026-03-01', ward: 'A' };

const MODELS: Readonly<Record<string, Registration>> = {
  'strings-zipmap': { location: fixture('sklearn-strings-zipmap'), name: 'm' },
  'mlflow-directory': { location: path.join(path.dirname(fixture('mlflow-dir')), 'model'), name: 'm' },
  'matrix-that-takes-null': { location: fixture('sklearn-hgb-missing'), name: 'm' },
  regression: { location: fixture('sklearn-ridge'), name: 'm' },
  'numeric-types': { location: fixture('all-numeric-types'), name: 'm' },
  'raw-fields': {
    location: fixture('xgboost-binary'),
    name: 'm',
    transform: documentFiles(VISITS),
    exampleRows: [VISIT],
  },
};
/** Values of the fields of text; anything of a field's type is as good for the others. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  city: ['Łódź', 'São Paulo', 'a, "b"', 'NA', 'null', '12'],
  plan: ['plus', 'basic', ' ', 'true'],
  seen: ['2026-03-01', '2026-12-31 23:59:59', '2026-03-01T10:00:00+02:00', '2026-07-04T00:00:00.250Z'],
  ward: ['A', 'B, or "b"'],
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
  let grpc: GrpcClient;
  let dialects: Readonly<Record<string, Ask>>;

  beforeAll(async () => {
    const config = {
      server: { port: 0 },
      grpc: { enabled: true, port: 0 },
      prediction_log: { rejected_per_second: 100_000 },
      endpoints: { e: { model: 'm' } },
    };
    const server = await servers.start(config, [registration]);
    url = server.url;
    logs = path.join(server.cwd, 'logs');
    grpc = new GrpcClient(server.grpcAddress as string);
    const info = (await (await fetch(`${url}/model/info`)).json()) as { signature: { inputs: FieldInfo[] } };
    fields = info.signature.inputs;
    dialects = dialectsOf({ url, grpc, endpoint: 'e', fields });
  }, 60_000);
  afterAll(() => grpc.close());

  /** The lines that a request left. The server has one segment, which grows by them. */
  async function linesOf(request: () => Promise<unknown>): Promise<readonly Line[]> {
    const segment = path.join(logs, 'predictions.log');
    const { size } = statSync(segment);
    await request();
    const grown = readFileSync(segment).subarray(size).toString().split('\n').filter(Boolean);
    return grown.map((line) => JSON.parse(line) as Line);
  }

  it('answers and logs the same rows alike in every dialect', async () => {
    const random = randomOf(SEED);
    const asked = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const count = round === 0 ? 1 : 1 + Math.floor(random() * 9);
      const rows = Array.from({ length: count }, () => rowOf(fields, random, round % 2 === 0));
      let expected: Awaited<ReturnType<typeof askBatch>> = [];
      const lines = await linesOf(async () => {
        expected = await askBatch(url, rows);
      });
      for (const [dialect, ask] of Object.entries(dialects)) {
        let said: Awaited<ReturnType<Ask>> = null;
        const own = await linesOf(async () => {
          said = await ask(rows);
        });
        if (said === null) continue;
        asked.add(dialect);
        const where = `seed ${SEED}, ${dialect}: ${JSON.stringify(rows)}`;
        const wanted = dialect === 'kserve-v1' ? expected.map(withoutProbabilities) : expected;
        const isAlone = dialect === 'native rows';
        expect(said, where).toEqual({ is: 'answered', rows: isAlone ? near(wanted) : wanted });
        const inBatch = lines.map(comparable).sort(byText);
        expect(own.map(comparable).sort(byText), where).toEqual(isAlone ? inBatch.map(nearBeside) : inBatch);
        expect(new Set(own.map((line) => line['dialect']))).toEqual(new Set([dialect.split(' ')[0]]));
      }
    }
    expect([...asked].sort()).toEqual(Object.keys(dialects).sort());
  });

  it('refuses the same rows for the same fields in every dialect, each with a line', async () => {
    const random = randomOf(SEED + 1);
    const asked = new Set<string>();
    for (let round = 0; round < BAD_ROWS; round++) {
      const good = rowOf(fields, random, false);
      const { row, bad } = badRow(fields, good, random);
      const batch = await fetch(`${url}/predict/batch`, request({ instances: [good, row] }));
      const [, second] = ((await batch.json()) as { predictions: BatchRow[] }).predictions;
      const paths = (second?.error?.errors ?? []).map(({ path: at }) => at);
      expect([second?.error?.code, paths]).toEqual([
        'INPUT_INVALID',
        bad.map((name) => `instances[1].${name}`),
      ]);
      for (const [dialect, ask] of Object.entries(dialects)) {
        let said: Awaited<ReturnType<Ask>> = null;
        const own = await linesOf(async () => {
          said = await ask([row]);
        });
        if (said === null) continue;
        asked.add(dialect);
        const where = `seed ${SEED}, ${dialect}: ${JSON.stringify(row)}`;
        const { is, status, text } = said as Extract<Awaited<ReturnType<Ask>>, { is: 'refused' }>;
        expect([is, status], where).toEqual(['refused', REFUSALS[dialect.split(' ')[0] as string]]);
        expect(namedIn(text, fields), `${where}\n${text}`).toEqual(bad);
        expect(own.map(rejectionOf), where).toEqual([['rejected', 'INPUT_INVALID', 422, undefined]]);
      }
    }
    expect([...asked].sort()).toEqual(Object.keys(dialects).sort());
  });
});

interface BatchRow {
  readonly error?: { readonly code: string; readonly errors: readonly { readonly path: string }[] };
}

/** The one status that a dialect has for a row that does not fit. */
const REFUSALS: Readonly<Record<string, number | string>> = {
  native: 422,
  mlflow: 400,
  'kserve-v1': 400,
  'oip-rest': 400,
  'oip-grpc': 'grpc 3',
};

/** Numbers of a model up to the last bits: a row alone may be summed up in another order than in a batch. */
function near(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(near);
  if (typeof value === 'number') return expect.closeTo(value, 4 - Math.ceil(Math.log10(Math.abs(value) + 1)));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, near(inner)]));
}

function nearBeside(line: Line): Line {
  const { prediction, probabilities, confidence, ...rest } = line;
  return { ...rest, ...(near({ prediction, probabilities, confidence }) as object) };
}

function withoutProbabilities({ prediction }: { readonly prediction: JsonValue }): object {
  return { prediction, probabilities: null };
}

function rejectionOf(line: Line): unknown {
  return [line['event.outcome'], line['error.code'], line['status'], line['input']];
}

/** Names of fields that a text has as words. */
function namedIn(text: string, fields: readonly FieldInfo[]): readonly string[] {
  return fields.map(({ name }) => name).filter((name) => new RegExp(`(?<![\\w])${name}(?![\\w])`).test(text));
}

function rowOf(fields: readonly FieldInfo[], random: () => number, hasGaps: boolean): Row {
  return Object.fromEntries(fields.map((field) => [field.name, cellOf(field, random, hasGaps)]));
}

/** Gaps in texts and booleans only where asked for: raw tensors have no word for them. */
function cellOf(
  { name, type, nullable, minimum, maximum }: FieldInfo,
  random: () => number,
  hasGaps: boolean,
): JsonValue {
  const isNumber = type !== 'string' && type !== 'bool';
  if (nullable && (isNumber || hasGaps) && random() < 0.2) return null;
  const words = WORDS[name];
  if (words !== undefined) return words[Math.floor(random() * words.length)] as string;
  if (type === 'bool') return random() < 0.5;
  const most = maximum ?? (type.startsWith('float') ? 1 : 100);
  const least = minimum ?? (type.startsWith('u') ? 0 : -most);
  const number = least + random() * (most - least);
  return type.startsWith('float') ? number : Math.trunc(number);
}

/** A row with one or two values that their fields do not take, and the names of those. */
function badRow(
  fields: readonly FieldInfo[],
  good: Row,
  random: () => number,
): { row: Row; bad: readonly string[] } {
  const places = new Set([0, 1].map(() => Math.floor(random() * fields.length)));
  const changed = fields.filter((_, place) => places.has(place));
  const wrong = changed.map((field) => {
    const values = wrongValues(field);
    return [field.name, values[Math.floor(random() * values.length)] as JsonValue] as const;
  });
  return { row: { ...good, ...Object.fromEntries(wrong) }, bad: changed.map(({ name }) => name) };
}

function wrongValues({ name, type, nullable, minimum }: FieldInfo): readonly JsonValue[] {
  const absent = nullable ? [] : [null];
  if (type === 'string')
    return [
      ...absent,
      7,
      true,
      ...(WORDS[name]?.includes('A') ? ['Z'] : []),
      ...(name === 'seen' ? ['yesterday'] : []),
    ];
  if (type === 'bool') return [...absent, 'perhaps', 2];
  const least = minimum === undefined ? [] : [minimum - 1];
  if (type.startsWith('float')) return [...absent, ...least, 'three', ...(type === 'float64' ? [] : [1e300])];
  return [
    ...absent,
    ...least,
    'three',
    3.5,
    2 ** 53,
    ...(type === 'int64' || type === 'uint64' ? [] : [2 ** 40]),
  ];
}

function comparable(line: Line): Line {
  const { dialect: _d, 'event.id': _i, '@timestamp': _t, latency_ms: _l, 'trace.id': _r, ...rest } = line;
  return rest;
}

function byText(a: Line, b: Line): number {
  return JSON.stringify(a['input']).localeCompare(JSON.stringify(b['input']));
}

function request(body: object): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
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
