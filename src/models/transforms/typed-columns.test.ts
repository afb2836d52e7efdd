import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { compileRecordCheck } from '../record-check.ts';
import { compileTransform } from './compile.ts';
import { fieldsOf } from './signature-fields.ts';
import { parseTransform } from './spec.ts';
import { openTypedRows, type TypedColumn } from './typed-columns.ts';

const spec = parseTransform({
  schema: 'slipway.transform/1',
  fields: [
    { name: 'n', type: 'number', minimum: 0 },
    { name: 'm', type: 'number', default: 7 },
    { name: 'b', type: 'boolean', required: false },
    { name: 's', type: 'string' },
    { name: 'd', type: 'datetime', required: false },
  ],
  outputs: [
    { name: 'n', from: 'n' },
    { name: 'm', from: 'm' },
    { name: 'b', from: 'b', missing: 'nan' },
    { name: 's', from: 's', steps: [{ op: 'length' }] },
    { name: 'd', from: 'd', steps: [{ op: 'hour' }], missing: 'nan' },
  ],
});
const ROWS: readonly JsonObject[] = [
  { n: 1, m: null, b: true, s: 'four', d: '2026-01-01T05:00:00Z' },
  { n: 0.5, m: 2, b: false, s: '', d: null },
  { n: 3, m: 4, b: null, s: 'é😀', d: '1969-12-31T23:59:59.999Z' },
  { n: -1, m: null, b: null, s: null, d: null },
];

function column(name: string, given: readonly JsonValue[]): TypedColumn {
  const numbers = (from: (value: JsonValue) => number): Float64Array =>
    Float64Array.from(given, (value) => (value === null ? Number.NaN : from(value)));
  if (name === 'd') return { kind: 'times', numbers: numbers((text) => Date.parse(text as string)) };
  if (name === 'b')
    return {
      kind: 'booleans',
      bytes: Uint8Array.from(given, (value) => (value === null ? 2 : Number(value))),
    };
  if (name !== 's') return { kind: 'numbers', numbers: numbers(Number) };
  const values = [...new Set(given.filter((value) => value !== null))];
  return {
    kind: 'values',
    codes: Int32Array.from(given, (value) => values.indexOf(value as string)),
    values,
  };
}

const columns = new Map(
  ['n', 'm', 'b', 's', 'd'].map((name) => [
    name,
    column(
      name,
      ROWS.map((row) => row[name] as JsonValue),
    ),
  ]),
);

describe('typed rows', () => {
  it('are read, checked and refused as rows of a request are', () => {
    const compiled = compileTransform(spec);
    const check = compileRecordCheck({ fields: fieldsOf(spec) });
    const rows = openTypedRows(spec, columns, compiled.reader.places);
    const [made, expected] = [new Float32Array(5), new Float32Array(5)];
    for (const [i, row] of ROWS.entries()) {
      expect(rows.fits(i)).toBe(check.fits(row));
      expect(rows.problems(i, 'row: ')).toEqual(check.problems(row, 'row: '));
      if (!check.fits(row)) continue;
      rows.read(i, compiled.reader);
      compiled.write(made, 0);
      compiled.encode(row, expected, 0);
      expect(made).toEqual(expected);
    }
    expect(ROWS.map((_, i) => rows.fits(i))).toEqual([true, true, true, false]);
  });

  it('take the defaults of columns that are not there', () => {
    const compiled = compileTransform(spec);
    const few = new Map([...columns].filter(([name]) => name === 'n' || name === 's'));
    openTypedRows(spec, few, compiled.reader.places).read(0, compiled.reader);
    const made = new Float32Array(5);
    compiled.write(made, 0);
    expect([...made]).toEqual([1, 7, Number.NaN, 4, Number.NaN]);
  });

  it('name every column that no row could have', () => {
    const times: TypedColumn = { kind: 'times', numbers: new Float64Array(4) };
    const { places } = compileTransform(spec).reader;
    expect(() => openTypedRows(spec, new Map([['s', times]]), places)).toThrow(
      expect.objectContaining({
        code: 'INPUT_INVALID',
        problems: [
          { path: 'n', message: 'is missing', expected: 'number', got: 'nothing' },
          { path: 's', message: 'has the wrong type', expected: 'string', got: 'datetime' },
        ],
      }),
    );
  });
});
