import { expect, it } from 'vitest';
import { seeded } from '../../../test/support/serving-fakes.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { compileRecordCheck } from '../record-check.ts';
import { columnsOf, recordOf } from './column-batch.ts';
import { compileColumnCheck } from './column-check.ts';
import { compileTransform } from './compile.ts';
import { fitTransform } from './fit.ts';
import { fieldsOf } from './signature-fields.ts';
import { parseTransform } from './spec.ts';

const RULES = [
  {},
  { required: false },
  { minimum: -1 },
  { minimum: 0, maximum: 10, required: false },
] as const;
const FIELDS = [
  ...['number', 'integer'].flatMap((type) =>
    RULES.map((rules, i) => ({ name: `${type}${i}`, type, ...rules })),
  ),
  { name: 'b', type: 'boolean' },
  { name: 'c', type: 'boolean', default: true },
  { name: 's', type: 'string' },
  { name: 't', type: 'string', required: false },
  { name: 'd', type: 'datetime' },
  { name: 'e', type: 'datetime', default: '2026-01-01' },
];
const VALUES: readonly JsonValue[] = [
  0,
  1,
  -1,
  10,
  10.5,
  -2,
  2 ** 53,
  1e300,
  true,
  false,
  '7',
  '',
  'a',
  'b',
  'c',
  '2026-03-01',
  '2026-02-30',
  '2026-03-01T10:00:00Z',
  'soon',
  [],
];

const GOOD: JsonObject = {
  ...Object.fromEntries(FIELDS.flatMap(({ name, type }) => (/number|integer/.test(type) ? [[name, 3]] : []))),
  b: true,
  s: 'a',
  d: '2026-03-01',
};

const spec = await fitTransform(
  parseTransform({
    schema: 'slipway.transform/1',
    fields: FIELDS,
    outputs: [
      { name: 's', from: 's', steps: [{ op: 'one_hot' }] },
      { name: 'c', from: 'c' },
      { name: 'y', from: 'e', steps: [{ op: 'year' }] },
      { name: 't', from: 't', steps: [{ op: 'length' }] },
    ],
  }),
  { rows: () => [['a', 'b'].map((s) => ({ ...GOOD, s }))] },
);

function randomRow(random: () => number): JsonObject {
  const row: Record<string, JsonValue> = {};
  for (const { name } of FIELDS) {
    const dice = random();
    if (dice < 0.95) Object.assign(row, Object.hasOwn(GOOD, name) ? { [name]: GOOD[name] } : {});
    else if (dice < 0.96) row[name] = null;
    else if (dice < 0.99) row[name] = VALUES[Math.floor(random() * VALUES.length)] as JsonValue;
  }
  return row;
}

it('refuses the rows that the record check refuses, with the same words', () => {
  const fields = fieldsOf(spec);
  const records = compileRecordCheck({ fields });
  const check = compileColumnCheck(fields);
  const random = seeded(11);
  let refused = 0;
  for (let round = 0; round < 40; round++) {
    const rows = Array.from({ length: 100 }, () => randomRow(random));
    const batch = columnsOf({ fields: spec.fields }, rows);
    const expected = rows.flatMap((row, i) => (records.fits(row) ? [] : [i]));
    expect(check(batch)).toEqual(expected);
    for (const row of expected)
      expect(records.problems(recordOf(spec.fields, batch, row))).toEqual(records.problems(rows[row]));
    refused += expected.length;
  }
  expect(refused).toBeGreaterThan(500);
  expect(refused).toBeLessThan(3_500);
});

it('puts the default of a field in the place of a missing value and of a missing column', () => {
  const compiled = compileTransform(spec);
  const row = { ...GOOD, s: 'b' };
  const expected = new Float32Array(compiled.columns.length);
  compiled.encode(row, expected, 0);
  const { columns } = columnsOf({ fields: spec.fields }, [row]);
  const out = new Float32Array(compiled.columns.length);
  compiled.encodeColumns(columns, 1, out);
  expect(out).toEqual(expected);
  const away = columns.map((column, i) =>
    ['c', 't', 'e'].includes(spec.fields[i]?.name ?? '') ? null : column,
  );
  compiled.encodeColumns(away, 1, out);
  expect(out).toEqual(expected);
  expect([...out]).toEqual([0, 1, 1, 2026, 0]);
});
