import { describe, expect, it } from 'vitest';
import { seeded } from '../../../test/support/serving-fakes.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { columnsOf } from './column-batch.ts';
import { compileTransform } from './compile.ts';
import { fitTransform } from './fit.ts';
import { OPERATIONS } from './operations.ts';
import { documentOf, parseTransform, type TransformSpec } from './spec.ts';

const FIELDS = [
  { name: 'n', type: 'number' },
  { name: 'm', type: 'number', required: false },
  { name: 'i', type: 'integer' },
  { name: 'b', type: 'boolean' },
  { name: 's', type: 'string', required: false },
  { name: 't', type: 'string' },
  { name: 'd', type: 'datetime', required: false },
  { name: 'e', type: 'datetime' },
] as const;
const CATEGORIES = ['red', 'green', 'blue', 'Ünïcode 😀', 'two words', ''];

function randomRow(random: () => number): JsonObject {
  const number = (): number => {
    const kind = Math.floor(random() * 8);
    if (kind === 0) return 0;
    if (kind === 1) return -random() * 1e9;
    if (kind === 2) return random() * 1e-30;
    if (kind === 3) return random() * 1e30;
    return (random() - 0.3) * 100;
  };
  const maybe = (value: JsonValue): JsonValue => (random() < 0.15 ? null : value);
  const text = (): string => CATEGORIES[Math.floor(random() * CATEGORIES.length)] as string;
  const time = (): string => new Date(Math.floor((random() - 0.2) * 4e12)).toISOString();
  return {
    n: number(),
    m: maybe(number()),
    i: Math.floor(number() % 2 ** 40),
    b: random() < 0.5,
    s: maybe(text()),
    t: text(),
    d: maybe(time()),
    e: time(),
    y: random() < 0.3 ? 1 : 0,
  };
}

const rowsOf = (seed: number, count: number): JsonObject[] => {
  const random = seeded(seed);
  return Array.from({ length: count }, () => randomRow(random));
};

async function fitted(outputs: readonly object[], rows: readonly JsonObject[]): Promise<TransformSpec> {
  const spec = parseTransform({ schema: 'slipway.transform/1', target: 'y', fields: FIELDS, outputs });
  return fitTransform(spec, { rows: () => [rows] });
}

/** The bits of each number, so that NaN equals NaN and -0 differs from 0. */
const bitsOf = (values: Float32Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length);

/** One row at a time, all rows by columns, and after the document went through JSON. */
function expectOneResult(spec: TransformSpec, rows: readonly JsonObject[]): Float32Array {
  const compiled = compileTransform(spec);
  const width = compiled.columns.length;
  const single = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) compiled.encode(JSON.parse(JSON.stringify(row)), single, i * width);
  const read = compileTransform(parseTransform(JSON.parse(JSON.stringify(documentOf(spec)))));
  const { columns } = columnsOf({ fields: spec.fields }, rows);
  const batch = new Float32Array(rows.length * width);
  read.encodeColumns(columns, rows.length, batch);
  expect(read.columns).toEqual(compiled.columns);
  expect(Buffer.compare(Buffer.from(bitsOf(single).buffer), Buffer.from(bitsOf(batch).buffer))).toBe(0);
  return single;
}

/** Every operation on a field of each kind that it takes, with options that leave nothing open. */
const SOURCES = { number: 'm', text: 's', time: 'd' } as const;
const OPTIONS: Readonly<Record<string, readonly object[]>> = {
  impute: [{ with: 'mean' }, { with: 'median' }, { with: 7 }],
  clip: [{ min: -1, max: 1 }, { min: 0 }],
  min_max: [{}, { low: -1, high: 1 }],
  bin: [{ bins: 5 }, { bins: 4, by: 'width' }, { edges: [0, 10] }],
  cyclical: [{ period: 7 }],
  one_hot: [
    { unknown: 'zeros', missing: 'zeros' },
    { unknown: 'other', missing: 'category', drop_first: true },
  ],
  ordinal: [
    { unknown: 'other', missing: 'category' },
    { unknown: 'zeros', missing: 'zeros', order: ['blue', 'red'] },
    { unknown: 'missing', order: ['blue', 'red'] },
  ],
  standardise: [{}, { centre: false }, { scale: false }],
  map: [
    { values: { red: 0.1, blue: -7 }, unknown: 'other', unknown_value: 3, missing: 'zeros' },
    { values: { green: 1 }, unknown: 'missing', missing: 'category', missing_value: 2 },
  ],
  fill: [{ with: 'red' }],
  target: [{}, { smoothing: 0 }, { at_least: 1, min_rows: 300 }],
  from_unix: [{}, { unit: 'milliseconds' }],
  elapsed: [{ unit: 'hours' }],
  ratio: [{}, { on_zero: 0 }],
};

interface Chain {
  readonly from: string | readonly string[];
  readonly steps: readonly object[];
}

const CHAINS: readonly (readonly [string, Chain])[] = OPERATIONS.flatMap((operation) =>
  (OPTIONS[operation.name] ?? [{}]).flatMap((options) =>
    (operation.takes[0] ?? []).map((kind) => {
      const source = SOURCES[kind as keyof typeof SOURCES];
      const pair = { number: ['n', 'm'], text: ['t', 's'], time: ['e', 'd'] }[kind as keyof typeof SOURCES];
      const ending = {
        text: [{ op: 'frequency' }],
        time: [{ op: 'hour' }],
      }[operation.gives as string];
      const chain = {
        from: operation.takes.length === 2 ? pair : source,
        steps: [{ op: operation.name, ...options }, ...(ending ?? [])],
      };
      return [`${operation.name} ${JSON.stringify(options)} of a ${kind}`, chain] as const;
    }),
  ),
);

describe('one engine', () => {
  const training = rowsOf(1, 2_000);
  const serving = rowsOf(2, 10_000);

  it.each(CHAINS)('gives the same bits by row and by column: %s', async (_, chain) => {
    const spec = await fitted([{ name: 'x', ...chain, missing: 'nan' }], training);
    const values = expectOneResult(spec, serving);
    expect(values.some((value) => value !== values[0])).toBe(true);
  });

  it('gives the same bits for random transforms', async () => {
    const random = seeded(3);
    for (let round = 0; round < 40; round++) {
      const size = 1 + Math.floor(random() * 12);
      const outputs = Array.from({ length: size }, (_, i) => {
        const [, chain] = CHAINS[Math.floor(random() * CHAINS.length)] as (typeof CHAINS)[number];
        return { name: `x${i}`, ...chain, missing: 'nan' };
      });
      const spec = await fitted(outputs, rowsOf(100 + round, 300));
      expectOneResult(spec, rowsOf(200 + round, 250));
    }
  });

  it('learns the same from one batch and from many', async () => {
    const outputs = CHAINS.map(([, chain], i) => ({ name: `x${i}`, ...chain, missing: 'nan' }));
    const whole = await fitted(outputs, training);
    const spec = parseTransform({ schema: 'slipway.transform/1', target: 'y', fields: FIELDS, outputs });
    const pieces = Array.from({ length: 20 }, (_, i) => training.slice(i * 100, (i + 1) * 100));
    expect(await fitTransform(spec, { rows: () => pieces })).toEqual(whole);
  });
});

describe('fitTransform', () => {
  it('lets a step see what those before it make of the data', async () => {
    const rows = [1, 3, null, 100].map((m) => ({ n: 0, m, i: 0, b: true, t: '', e: '2026-01-01' }));
    const steps = [{ op: 'impute', with: 'median' }, { op: 'clip', max: 5 }, { op: 'standardise' }];
    const spec = await fitted([{ name: 'x', from: 'm', steps }], rows);
    const [impute, , standardise] = spec.outputs[0]?.steps ?? [];
    expect(impute?.fitted).toEqual({ value: 3 });
    // 1, 3, 3, 5: mean 3, variance 2.
    expect(standardise?.fitted).toEqual({ mean: 3, scale: Math.SQRT2 });
  });

  it('refuses rows that do not fit, with the number of each, and learns nothing', async () => {
    const good = { n: 1, m: 1, i: 1, b: true, t: '', e: '2026-01-01' };
    const rows = [good, { ...good, n: 'x' }, { ...good, e: '2026-02-30' }, { ...good, other: 'ignored' }];
    const failed = fitted([{ name: 'x', from: 'n', steps: [{ op: 'standardise' }] }], rows);
    await expect(failed).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: '2 of 4 rows do not fit the fields of the transform',
      problems: [{ path: 'row 2: n' }, { path: 'row 3: e' }],
    });
  });

  it('refuses no rows, and an identifier among the categories', async () => {
    await expect(
      fitted([{ name: 'x', from: 'n', steps: [{ op: 'standardise' }] }], []),
    ).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
    const good = { n: 1, m: 1, i: 1, b: true, e: '2026-01-01' };
    const ids = Array.from({ length: 10_001 }, (_, i) => ({ ...good, t: `id ${i}` }));
    const steps = [{ op: 'one_hot', unknown: 'zeros' }];
    await expect(fitted([{ name: 'x', from: 't', steps }], ids)).rejects.toThrow('is it an identifier?');
  });
});

describe('an operation', () => {
  const base = { n: 0, m: null, i: 0, b: false, s: null, t: '', d: null, e: '2026-03-01T13:45:30Z' };
  async function valuesOf(chain: Chain, training: readonly JsonObject[], row: JsonObject) {
    const spec = await fitted(
      [{ name: 'x', ...chain, missing: 'nan' }],
      training.map((one) => ({ ...base, ...one })),
    );
    const compiled = compileTransform(spec);
    const out = new Float32Array(compiled.columns.length);
    compiled.encode({ ...base, ...row }, out, 0);
    return Object.fromEntries(compiled.columns.map((name, i) => [name, out[i]]));
  }
  const texts = ['b', 'a', 'b', 'c'].map((t) => ({ t }));

  it.each([
    [{ from: 't', steps: [{ op: 'one_hot', unknown: 'zeros' }] }, { t: 'b' }, { x_a: 0, x_b: 1, x_c: 0 }],
    [{ from: 't', steps: [{ op: 'one_hot', unknown: 'zeros' }] }, { t: '?' }, { x_a: 0, x_b: 0, x_c: 0 }],
    [
      { from: 't', steps: [{ op: 'one_hot', unknown: 'other' }] },
      { t: '?' },
      { x_a: 0, x_b: 0, x_c: 0, x_other: 1 },
    ],
    [
      { from: 't', steps: [{ op: 'one_hot', unknown: 'other', drop_first: true }] },
      { t: 'a' },
      { x_b: 0, x_c: 0, x_other: 0 },
    ],
    [{ from: 't', steps: [{ op: 'ordinal', unknown: 'other' }] }, { t: '?' }, { x: 3 }],
    [{ from: 't', steps: [{ op: 'ordinal', unknown: 'other', unknown_value: -1 }] }, { t: '?' }, { x: -1 }],
    [{ from: 't', steps: [{ op: 'ordinal', unknown: 'zeros', order: ['c', 'b'] }] }, { t: 'b' }, { x: 1 }],
    [{ from: 't', steps: [{ op: 'ordinal', unknown: 'missing' }] }, { t: '?' }, { x: Number.NaN }],
    [{ from: 't', steps: [{ op: 'map', values: { a: 7, b: -0.5 } }] }, { t: 'b' }, { x: -0.5 }],
    [{ from: 's', steps: [{ op: 'fill', with: 'four' }, { op: 'length' }] }, {}, { x: 4 }],
    [
      { from: 'n', steps: [{ op: 'as_text' }, { op: 'map', values: { 2.5: 1 }, unknown: 'zeros' }] },
      { n: 2.5 },
      { x: 1 },
    ],
    [{ from: 't', steps: [{ op: 'frequency' }] }, { t: 'b' }, { x: 0.5 }],
    [{ from: 't', steps: [{ op: 'length' }] }, { t: 'é😀' }, { x: 2 }],
    [{ from: 't', steps: [{ op: 'word_count' }] }, { t: ' two  words ' }, { x: 2 }],
    [{ from: 's', steps: [{ op: 'is_missing' }] }, {}, { x: 1 }],
    [{ from: 'e', steps: [{ op: 'hour' }] }, {}, { x: 13 }],
    [{ from: 'e', steps: [{ op: 'day_of_week' }] }, {}, { x: 6 }],
    [{ from: 'e', steps: [{ op: 'is_weekend' }] }, {}, { x: 1 }],
    [{ from: 'e', steps: [{ op: 'day_of_year' }] }, {}, { x: 60 }],
    [{ from: 'e', steps: [{ op: 'minute' }] }, { e: '1969-12-31T23:59:00Z' }, { x: 59 }],
    [{ from: ['e', 'd'], steps: [{ op: 'elapsed' }] }, { d: '2026-02-27T13:45:30+00:00' }, { x: 2 }],
    [{ from: ['n', 'i'], steps: [{ op: 'ratio' }] }, { n: 3 }, { x: Number.NaN }],
    [{ from: ['n', 'i'], steps: [{ op: 'ratio', on_zero: -1 }] }, { n: 3 }, { x: -1 }],
    [{ from: 'n', steps: [{ op: 'bin', edges: [1, 2] }] }, { n: 2 }, { x: 2 }],
    [
      { from: 'i', steps: [{ op: 'as_text' }, { op: 'ordinal', unknown: 'other', order: ['-7', '306'] }] },
      { i: 306 },
      { x: 1 },
    ],
    [{ from: 'n', steps: [{ op: 'as_text' }, { op: 'length' }] }, { n: 0.25 }, { x: 4 }],
    [{ from: 'm', steps: [{ op: 'as_text' }, { op: 'is_missing' }] }, {}, { x: 1 }],
    [{ from: 'i', steps: [{ op: 'from_unix' }, { op: 'hour' }] }, { i: 1_509_376_789 }, { x: 15 }],
    [{ from: 'i', steps: [{ op: 'from_unix' }, { op: 'day_of_week' }] }, { i: -1 }, { x: 2 }],
    [{ from: 'i', steps: [{ op: 'from_unix', unit: 'milliseconds' }, { op: 'year' }] }, {}, { x: 1970 }],
    [{ from: 'i', steps: [{ op: 'from_unix' }, { op: 'hour' }] }, { i: 2 ** 53 - 1 }, { x: Number.NaN }],
    [{ from: 'n', steps: [{ op: 'log1p' }] }, { n: -2 }, { x: Number.NaN }],
  ])('%j of %j', async (chain, row, expected) => {
    expect(await valuesOf(chain, texts, row)).toEqual(expected);
  });

  it('draws the mean of few rows towards that of all', async () => {
    const training = [
      { t: 'a', y: 1 },
      { t: 'a', y: 1 },
      { t: 'b', y: 0 },
      { t: 'b', y: 0 },
    ];
    const chain = { from: 't', steps: [{ op: 'target', smoothing: 2 }] };
    expect(await valuesOf(chain, training, { t: 'a' })).toEqual({ x: 0.75 });
    expect(await valuesOf(chain, training, { t: '?' })).toEqual({ x: 0.5 });
  });

  it('counts labels from a threshold on, and takes a rare category for an unknown one', async () => {
    const training = [
      { t: 'a', y: 2 },
      { t: 'a', y: 1 },
      { t: 'b', y: 0 },
      { t: 'b', y: 0 },
      { t: 'rare', y: 2 },
    ];
    const steps = [{ op: 'target', smoothing: 0, at_least: 2, min_rows: 2 }];
    const chain = { from: 't', steps };
    expect(await valuesOf(chain, training, { t: 'a' })).toEqual({ x: 0.5 });
    expect(await valuesOf(chain, training, { t: 'rare' })).toEqual({ x: Math.fround(0.4) });
  });

  it.each(['frequency', 'target'])('%s keeps a category by any name', async (op) => {
    const names = ['__proto__', 'constructor', 'toString'];
    const training = [...names, 'a'].map((t, i) => ({ ...base, t, y: Number(i < 3) }));
    const steps = [{ op, ...(op === 'target' && { smoothing: 0 }) }];
    const spec = await fitted([{ name: 'x', from: 't', steps }], training);
    const values = expectOneResult(
      spec,
      [...names, 'valueOf'].map((t) => ({ ...base, t })),
    );
    const known = op === 'target' ? 1 : 0.25;
    expect([...values]).toEqual([known, known, known, op === 'target' ? 0.75 : 0]);
  });
});
