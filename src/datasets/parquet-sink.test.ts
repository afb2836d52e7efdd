import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it, onTestFinished } from 'vitest';
import type { ColumnBatch } from '../models/transforms/column-batch.ts';
import { openParquet } from './parquet-sink.ts';

/** By column: the value of a row, so that each encoding and each number of bits of an index has one. */
const COLUMNS: readonly (readonly [string, (row: number) => number])[] = [
  ['constant', () => 7],
  ['missing', () => Number.NaN],
  ['two', (row) => row % 2],
  ['three', (row) => (row % 3) - 1],
  ['sixteen', (row) => (row % 16) / 10],
  ['many', (row) => (row % 256) * 1.5],
  ['too many', (row) => (row % 257) * 1.5],
  ['all', (row) => Math.fround(Math.sin(row))],
  ['some', (row) => (row % 5 === 0 ? Number.NaN : row)],
  ['few of few', (row) => (row % 7 === 0 ? Number.NaN : row % 2 === 0 ? -0 : 0)],
];
const ROWS = 150_001;
const BATCH = 4_000;

it('writes row groups that another reader takes for what went in', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-parquet-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'x.parquet');
  const names = COLUMNS.map(([name]) => name);
  const sink = await openParquet(file, names, ['id', 'label']);
  for (let from = 0; from < ROWS; from += BATCH) {
    const count = Math.min(BATCH, ROWS - from);
    const matrix = Float32Array.from(
      { length: count * COLUMNS.length },
      (_, i) => COLUMNS[i % COLUMNS.length]?.[1](from + Math.floor(i / COLUMNS.length)) as number,
    );
    const rows = Array.from({ length: count }, (_, i) => from + i);
    const kept = [
      rows.map((row) => JSON.stringify(`é"${row}`)),
      rows.map((row) => (row % 3 === 0 ? null : row % 3 === 1 ? 'true' : String(row / 4))),
    ];
    await sink.write({ count, kept } as unknown as ColumnBatch, matrix);
  }
  await sink.end();
  await sink.close();

  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const columns = names.map((name) => `"${name}"`).join();
  const groups = await connection.runAndReadAll(`SELECT max(row_group_id) FROM parquet_metadata('${file}')`);
  expect(Number(groups.getRows()[0]?.[0])).toBe(4);
  const found = (await connection.runAndReadAll(`SELECT ${columns}, id, label FROM '${file}'`)).getRows();
  expect(found).toHaveLength(ROWS);
  for (const [row, values] of found.entries()) {
    const expected = [
      ...COLUMNS.map(([, value]) => (Number.isNaN(value(row)) ? null : Math.fround(value(row)))),
      `é"${row}`,
      row % 3 === 0 ? null : row % 3 === 1 ? 1 : row / 4,
    ];
    if (!values.every((value, i) => Object.is(value, expected[i])))
      expect(values, `row ${row}`).toEqual(expected);
  }
  connection.closeSync();
  instance.closeSync();
}, 60_000);
