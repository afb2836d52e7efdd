import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSourceServers, type SourceServers } from '../support/source-server.ts';

/** Every fixture answers over the Open Inference Protocol what it answers on the native API. */
const FIXTURES = path.resolve(import.meta.dirname, '../models/fixtures');
const NAMES = readdirSync(FIXTURES);

type Value = number | string | boolean | null | readonly Value[];
type Row = readonly Value[] | Readonly<Record<string, Value>>;
interface Metadata {
  readonly inputs: readonly { readonly name: string; readonly datatype: string }[];
  readonly outputs: readonly { readonly name: string; readonly datatype: string }[];
}
interface OutputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly Value[];
}

let servers: SourceServers;
let url: string;

beforeAll(async () => {
  servers = await buildSourceServers();
  const models = NAMES.map((name) => {
    const entries = readdirSync(path.join(FIXTURES, name));
    return {
      name,
      location: path.join(FIXTURES, name, entries.includes('model') ? 'model' : 'model.onnx'),
      exampleRows: [],
    };
  });
  const endpoints = Object.fromEntries(NAMES.map((name) => [name, { model: name }]));
  const server = await servers.start({ server: { port: 0 }, default_endpoint: NAMES[0], endpoints }, models);
  url = server.url;
}, 120_000);

afterAll(() => servers.stop());

async function ask(at: string, body?: object): Promise<never> {
  const response = await fetch(`${url}${at}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = await response.json();
  expect(response.status, JSON.stringify(json)).toBe(200);
  return json as never;
}

/** Rows of one shape as the tensors that the metadata name. */
function tensorsOf({ inputs }: Metadata, rows: readonly Row[]): object[] {
  return inputs.map(({ name, datatype }) => {
    const values = rows.map((row) =>
      Array.isArray(row) ? row : ((row as Record<string, Value>)[name] ?? null),
    );
    // Half floats are for binary data only; any number feeds a number.
    const sent = datatype === 'FP16' ? 'FP32' : datatype;
    return { name, datatype: sent, shape: shapeOf(values), data: values };
  });
}

function shapeOf(values: Value): readonly number[] {
  return Array.isArray(values) ? [values.length, ...shapeOf(values[0] as Value)] : [];
}

const widthOf = (row: Row): string => JSON.stringify(Object.values(row).map((value) => shapeOf(value)));

/** What the tensors say of one row, as the native answer says it. */
function rowOf(outputs: readonly OutputTensor[], row: number): Record<string, readonly Value[]> {
  return Object.fromEntries(
    outputs.map(({ name, shape, data }) => {
      const size = data.length / (shape[0] as number);
      return [name, data.slice(row * size, (row + 1) * size)];
    }),
  );
}

describe.each(NAMES)('%s', (name) => {
  const { rows } = JSON.parse(readFileSync(path.join(FIXTURES, name, 'case.json'), 'utf8')) as {
    rows: Row[];
  };

  it('answers what /predict/batch answers', async () => {
    const metadata: Metadata = await ask(`/v2/models/${name}`);
    const { predictions }: { predictions: Record<string, Value>[] } = await ask(
      `/models/${name}/predict/batch`,
      { instances: rows },
    );
    const groups = groupsOf(
      rows.map((_, place) => place),
      (place) => widthOf(rows[place] as Row),
    );
    for (const places of groups.values()) {
      const inputs = tensorsOf(
        metadata,
        places.map((place) => rows[place] as Row),
      );
      const { outputs }: { outputs: OutputTensor[] } = await ask(`/v2/models/${name}/infer`, { inputs });
      expect(outputs.map(({ name: output, datatype }) => ({ name: output, datatype }))).toEqual(
        metadata.outputs.map(({ name: output, datatype }) => ({ name: output, datatype })),
      );
      for (const { shape, data } of outputs) expect(data).toHaveLength(shape.reduce((a, b) => a * b, 1));
      places.forEach((place, row) => {
        expectSame(rowOf(outputs, row), predictions[place] as Record<string, Value>);
      });
    }
  });
});

function expectSame(tensors: Record<string, readonly Value[]>, native: Record<string, Value>): void {
  const said = Object.values(tensors).flat();
  const { prediction, probabilities } = native as unknown as {
    prediction: Value;
    probabilities?: Record<string, number>;
  };
  const scores = Object.values(probabilities ?? {});
  if (scores.length > 0) {
    const isScored = (value: Value): boolean =>
      scores.some((score) => Math.abs(score - Number(value)) < 1e-6) || value === prediction;
    expect(said.filter((value) => !isScored(value))).toEqual([]);
    return;
  }
  const answered: unknown = prediction;
  const flat =
    typeof answered === 'object' && answered !== null && !Array.isArray(answered)
      ? Object.values(answered).flat(9)
      : [answered].flat(9);
  expect(said.map(rounded)).toEqual((flat as Value[]).map(rounded));
}

/** Floats of 32 bits are written shorter in a tensor than in the native answer. */
const rounded = (value: Value): Value => (typeof value === 'number' ? Math.fround(value) : value);

/** `Map.groupBy`, which Node 20 does not have. */
function groupsOf<Item>(items: readonly Item[], keyOf: (item: Item) => string): ReadonlyMap<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
