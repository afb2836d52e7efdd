import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { seeded } from '../../test/support/serving-fakes.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { inColumns } from '../models/transforms/column-batch.ts';
import { compileTransform } from '../models/transforms/compile.ts';
import { fitTransform } from '../models/transforms/fit.ts';
import { parseTransform, type TransformSpec } from '../models/transforms/spec.ts';
import { encodeDataFile, openDataFile } from './data-file.ts';

const DOCUMENT = {
  schema: 'slipway.transform/1',
  target: 'label',
  fields: [
    { name: 'n', type: 'number', required: false },
    { name: 'i', type: 'integer' },
    { name: 'b', type: 'boolean' },
    { name: 's', type: 'string', required: false },
    { name: 'd', type: 'datetime', required: false },
    { name: 'extra', type: 'number', required: false },
  ],
  outputs: [
    { name: 'n', from: 'n', steps: [{ op: 'impute', with: 'median' }, { op: 'standardise' }] },
    { name: 'raw', from: 'n', missing: 'nan' },
    { name: 'i', from: 'i' },
    { name: 'b', from: 'b' },
    { name: 's', from: 's', steps: [{ op: 'one_hot', missing: 'category' }] },
    { name: 'means', from: 's', steps: [{ op: 'target' }] },
    { name: 'd', from: 'd', missing: 'nan', steps: [{ op: 'minute' }] },
    { name: 'extra', from: 'extra', steps: [{ op: 'is_missing' }] },
  ],
};
const TEXTS = [
  'a',
  '',
  'two words',
  'a text of twenty-four xx',
  'one that is longer than twenty-four',
  'Ünïcode 😀',
  'x,"y"',
];
const TIMES = [
  '2026-03-01',
  '2026-03-01T10:20:30Z',
  '2026-03-01 10:21:30.123456+02:00',
  '1969-12-31T23:59:59.999Z',
];

let cwd: string;
const at = (name: string): string => path.join(cwd, name);

beforeEach(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'slipway-data-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
});

function randomRows(count: number): readonly JsonObject[] {
  const random = seeded(5);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  return Array.from({ length: count }, (_, id) => ({
    id,
    n: random() < 0.2 ? null : (random() - 0.4) * 10 ** Math.floor(random() * 30 - 15),
    i: Math.floor(random() * 1e12),
    b: random() < 0.5,
    // An empty cell of a CSV is a missing value.
    s: pick(TEXTS) || null,
    d: random() < 0.2 ? null : pick(TIMES),
    label: random() < 0.3,
  }));
}

const cell = (value: JsonValue | undefined): string => {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

async function writeCsv(name: string, rows: readonly JsonObject[]): Promise<string> {
  const names = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => names.map((key) => cell(row[key])).join());
  await writeFile(at(name), `${[names.join(), ...lines].join('\n')}\n`);
  return at(name);
}

async function sql(statement: string): Promise<JsonValue[][]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(statement)).getRowsJson() as JsonValue[][];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const encode = (
  spec: TransformSpec,
  from: string,
  to: string,
  keep: readonly string[] = [],
): Promise<number> => encodeDataFile({ spec, from, to: at(to), keep, onProgress: () => undefined });

/** Every row by the row engine. */
function expectedOf(spec: TransformSpec, rows: readonly JsonObject[]): Float32Array {
  const compiled = compileTransform(spec);
  const out = new Float32Array(rows.length * compiled.columns.length);
  for (const [i, row] of rows.entries()) compiled.encode(row, out, i * compiled.columns.length);
  return out;
}

/** What stands in a file, missing as NaN; columns that were kept left out. */
async function numbersOf(file: string, spec: TransformSpec): Promise<Float32Array> {
  const { columns } = compileTransform(spec);
  const names = columns.map((name) => `"${name.replaceAll('"', '""')}"`).join();
  const source = file.endsWith('.csv') ? `read_csv('${file}', all_varchar = true)` : `'${file}'`;
  const rows = await sql(`SELECT ${names} FROM ${source}`);
  return Float32Array.from(rows.flat(), (value) => (value === null ? Number.NaN : Number(value)));
}

/** `toEqual` goes through a hundred thousand numbers by name; it is asked only where their bytes differ. */
function expectEqual(found: Float32Array, expected: Float32Array, what: string): void {
  const [left, right] = [found, expected].map((numbers) => Buffer.from(numbers.buffer));
  if (!left?.equals(right as Buffer)) expect(found, what).toEqual(expected);
}

describe('one engine', () => {
  it('learns and makes the same of JSON Lines, CSV and Parquet, as text and as Parquet, to the last bit', async () => {
    const rows = randomRows(5_000);
    await writeFile(at('rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const csv = await writeCsv('rows.csv', rows);
    const types =
      "{'n':'DOUBLE','i':'BIGINT','b':'BOOLEAN','label':'BOOLEAN','id':'BIGINT','s':'VARCHAR','d':'VARCHAR'}";
    await sql(`COPY (FROM read_csv('${csv}', header=true, types=${types})) TO '${at('rows.parquet')}'`);
    const spec = parseTransform(DOCUMENT);
    const fitted = await fitTransform(spec, { rows: () => [rows] });
    for (const from of ['rows.jsonl', 'rows.csv', 'rows.parquet']) {
      expect(await fitTransform(spec, openDataFile(at(from))), from).toEqual(fitted);
      for (const to of ['out.csv', 'out.jsonl', 'out.parquet']) {
        expect(await encode(fitted, at(from), to, ['id'])).toBe(rows.length);
        expectEqual(await numbersOf(at(to), fitted), expectedOf(fitted, rows), `${from} to ${to}`);
        const ids = await sql(`SELECT id::BIGINT FROM '${at(to)}'`);
        expect(ids.map(([id]) => Number(id))).toEqual(rows.map(({ id }) => id));
      }
    }
    expect((await readdir(cwd)).filter((name) => name.includes('.part'))).toEqual([]);
  }, 60_000);

  it('writes a missing value as NULL, as an empty cell and as null, and keeps the target as a number', async () => {
    const spec = parseTransform({ ...DOCUMENT, outputs: [{ name: 'raw', from: 'n', missing: 'nan' }] });
    const csv = await writeCsv('rows.csv', [
      { n: null, i: 1, b: 1, id: '007', label: 'true' },
      { n: -0.5, i: 1, b: 'FALSE', id: '008', label: '0' },
    ]);
    for (const to of ['out.csv', 'out.jsonl', 'out.parquet']) await encode(spec, csv, to, ['id', 'label']);
    expect(await readFile(at('out.csv'), 'utf8')).toBe('raw,id,label\n,007,true\n-0.5,008,0\n');
    const lines = (await readFile(at('out.jsonl'), 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as JsonValue)).toEqual([
      { raw: null, id: '007', label: 1 },
      { raw: -0.5, id: '008', label: 0 },
    ]);
    expect(await sql(`SELECT raw IS NULL, typeof(raw), id, label FROM '${at('out.parquet')}'`)).toEqual([
      [true, 'FLOAT', '007', 1],
      [false, 'FLOAT', '008', 0],
    ]);
  });

  it('carries a number along as it was written', async () => {
    const spec = parseTransform({ ...DOCUMENT, outputs: [{ name: 'x', from: 'i' }] });
    const csv = await writeCsv('rows.csv', [{ n: '1.50', i: '007', b: 1, label: '+1' }]);
    await encode(spec, csv, 'out.csv', ['n', 'i', 'label']);
    expect(await readFile(at('out.csv'), 'utf8')).toBe('x,n,i,label\n7,1.50,007,+1\n');
  });

  it('keeps columns apart that differ only in case', async () => {
    const spec = parseTransform({
      ...DOCUMENT,
      outputs: [
        { name: 'x', from: 'i' },
        { name: 'X', from: 'i', steps: [{ op: 'clip', max: 1 }] },
      ],
    });
    const csv = await writeCsv('rows.csv', [{ i: 5, b: 1 }]);
    await encode(spec, csv, 'out.csv');
    expect(await readFile(at('out.csv'), 'utf8')).toBe('x,X\n5,1\n');
    await encode(spec, csv, 'out.parquet');
    const names = await sql(`SELECT name FROM parquet_schema('${at('out.parquet')}') WHERE type = 'FLOAT'`);
    expect(names).toEqual([['x'], ['X']]);
  });
});

it('can be left after any batch, and read anew', async () => {
  const spec = parseTransform(DOCUMENT);
  const csv = await writeCsv('rows.csv', randomRows(20_000));
  const data = inColumns(openDataFile(csv));
  const counts: number[] = [];
  for (let batches = 1; batches <= 10; batches++) {
    counts.push(0);
    let left = batches;
    for await (const { count } of data.batches(spec)) {
      counts[batches - 1] = (counts[batches - 1] ?? 0) + count;
      if (--left === 0) break;
    }
  }
  expect(counts).toEqual(counts.map((_, i) => Math.min((i + 1) * 2048, 20_000)));
});

describe('what does not fit', () => {
  const spec = parseTransform({ ...DOCUMENT, outputs: [{ name: 'i', from: 'i' }] });
  const bad = [
    { n: '1.5', i: '1', b: 'true', s: 'a', d: '2026-03-01' },
    { n: 'many', i: '1.5', b: 'yes', s: 'a', d: '2026-02-30' },
    { n: '', i: '', b: '', s: '', d: '' },
    { n: '1e999', i: '9007199254740993', b: '0', s: 'a', d: 'a day that is far too long for it' },
  ];
  const PROBLEMS = [
    ['row 2: n', 'has the wrong type'],
    ['row 2: i', 'must be a whole number'],
    ['row 2: b', 'has the wrong type'],
    ['row 2: d', 'must be a date or time as 2026-03-01T10:00:00Z'],
    ['row 3: i', 'is missing'],
    ['row 3: b', 'is missing'],
    ['row 4: n', 'is not a finite number'],
    ['row 4: i', 'is out of range for int64'],
    ['row 4: d', 'must be a date or time as 2026-03-01T10:00:00Z'],
  ];

  it.each(['out.csv', 'out.parquet'])('is named by file, row and column, all at once: %s', async (to) => {
    const csv = await writeCsv('rows.csv', bad);
    const failed = await encode(spec, csv, to).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: 'INPUT_INVALID',
      message: `${csv}: 3 of 4 rows do not fit the fields of the transform`,
    });
    const { problems } = failed as { problems: readonly { path: string; message: string }[] };
    expect(problems.map(({ path: place, message }) => [place, message])).toEqual(PROBLEMS);
    expect(await readdir(cwd)).toEqual(['rows.csv']);
  });

  it.each([
    ['first', 0],
    ['one far behind', 350_000],
  ])('is one row and not the others, where it is the %s', async (_, wrong) => {
    // More than DuckDB reads ahead.
    const rows = Array.from({ length: 400_000 }, (_row, n) => ({ n: n === wrong ? 'many' : n, i: 1, b: 1 }));
    const csv = await writeCsv('rows.csv', rows);
    const read: number[] = [];
    const misread: JsonValue[] = [];
    for await (const { columns, ...batch } of inColumns(openDataFile(csv)).batches(spec)) {
      for (const [row, raw] of batch.misread) misread.push([read.length + row, raw]);
      read.push(...(columns[0] as Float64Array));
    }
    expect(read.length).toBe(rows.length);
    expect(read.findIndex((n, row) => n !== row && row !== wrong)).toBe(-1);
    expect(misread).toEqual([[wrong, { n: 'many' }]]);
  });

  it('is every column that is missing or of another type, before a row is read', async () => {
    await writeFile(at('rows.csv'), 'N,s\n1,a\n');
    const csv = await encode(spec, at('rows.csv'), 'out.csv', ['id']).catch((error: unknown) => error);
    expect(csv).toMatchObject({
      message: expect.stringContaining('i, b, id'),
      problems: [{ path: 'i' }, { path: 'b' }, { path: 'id' }],
    });
    await sql(
      `COPY (SELECT 'x' AS i, 1.5 AS n, true AS b, DATE '2026-03-01' AS d) TO '${at('rows.parquet')}'`,
    );
    await expect(encode(spec, at('rows.parquet'), 'out.csv')).rejects.toMatchObject({
      problems: [{ path: 'i', message: 'is VARCHAR, which cannot be a integer' }],
    });
    await expect(fitTransform(spec, openDataFile(at('rows.csv')))).resolves.toBe(spec);
    const open = parseTransform(DOCUMENT);
    await expect(fitTransform(open, openDataFile(at('rows.csv')))).rejects.toMatchObject({
      problems: [{ path: 'i' }, { path: 'b' }, { path: 'label' }],
    });
  });

  it('is a file that is not there, that is broken, or that nobody can write', async () => {
    await expect(encode(spec, at('none.csv'), 'out.csv')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await writeFile(at('rows.parquet'), 'no parquet');
    await expect(encode(spec, at('rows.parquet'), 'out.csv')).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
    await writeFile(at('rows.csv'), `i,b\n${'1,1\n'.repeat(50_000)}1,1,1\n`);
    await expect(encode(spec, at('rows.csv'), 'out.csv')).rejects.toThrow(/Line: 50002/);
    await expect(encode(spec, at('rows.csv'), 'out.xlsx')).rejects.toThrow('.csv, .jsonl, .parquet');
    await expect(encode(spec, at('rows.csv'), 'out.csv', ['i'])).rejects.toThrow('two columns called i');
  });
});

describe('what Parquet has of its own', () => {
  it('reads whole numbers, decimals, categories, dates and times, and takes NaN for missing', async () => {
    const spec = parseTransform({
      ...DOCUMENT,
      fields: [...DOCUMENT.fields.slice(0, 5), { name: 'e', type: 'datetime' }],
      outputs: [
        { name: 'n', from: 'n', missing: 'nan' },
        { name: 'day', from: 'd', missing: 'nan', steps: [{ op: 'day' }] },
        { name: 'ms', from: ['e', 'd'], missing: 'nan', steps: [{ op: 'elapsed', unit: 'seconds' }] },
        { name: 'b', from: 'b' },
      ],
    });
    await sql(`COPY (SELECT * FROM (VALUES
      ('NaN'::DOUBLE, 1::UTINYINT, 1, 'a'::ENUM('a', 'b'), DATE '2026-03-05', TIMESTAMP '2026-03-05 00:00:01.5'),
      (0.1::DOUBLE, 2, 0, NULL, NULL, TIMESTAMP '1969-12-31 23:59:59.9999')) t(n, i, b, s, d, e)) TO '${at('rows.parquet')}'`);
    await encode(spec, at('rows.parquet'), 'out.csv');
    expect(await readFile(at('out.csv'), 'utf8')).toBe('n,day,ms,b\n,5,1.5,1\n0.1,,,0\n');
    const batches = [];
    for await (const batch of inColumns(openDataFile(at('rows.parquet'))).batches({ fields: spec.fields }))
      batches.push(batch.columns[5]?.[1]);
    expect(batches).toEqual([-1]);
  });
});
