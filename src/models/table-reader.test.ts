import { describe, expect, it } from 'vitest';
import { aField, seeded } from '../../test/support/serving-fakes.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { compileRecordCheck } from './record-check.ts';
import type { Field } from './signature.ts';
import { compileTableReader, type TableInJson } from './table-reader.ts';

const FIELDS = [
  aField('amount', 'float64', { nullable: true }),
  aField('count', 'int32'),
  aField('kind', 'string', { oneOf: ['a', 'b', 'ä}'] }),
  aField('note', 'string', { nullable: true }),
  aField('open', 'bool', { nullable: true }),
];
const ROW = { amount: 1.5, count: 3, kind: 'a', note: 'x', open: true };

function read(text: string, fields: readonly Field[] = FIELDS, before = ''): TableInJson | null {
  const json = Buffer.from(before + text);
  return compileTableReader(fields)?.read(json, Buffer.byteLength(before)) ?? null;
}

/** What the ordinary way makes of the same text: every row that fits, or nothing. */
function byTheRow(text: string, fields: readonly Field[] = FIELDS): readonly JsonObject[] | null {
  const check = compileRecordCheck({ fields });
  try {
    const rows = JSON.parse(text) as JsonValue;
    return Array.isArray(rows) && rows.length > 0 && rows.every(check.fits) ? rows : null;
  } catch {
    return null;
  }
}

describe('a list of rows', () => {
  it('becomes columns, with the text of each row and the end of the list', () => {
    const rows = [ROW, { ...ROW, amount: null, count: -4, kind: 'ä}', note: null, open: null }];
    const list = JSON.stringify(rows);
    const found = read(`${list}, "more": 1}`, FIELDS, '{"é": ');
    expect(found?.table.columns).toEqual([
      new Float64Array([1.5, Number.NaN]),
      new Float64Array([3, -4]),
      ['a', 'ä}'],
      ['x', null],
      new Float64Array([1, Number.NaN]),
    ]);
    expect(found?.texts).toEqual(rows.map((row) => JSON.stringify(row)));
    expect(found?.end).toBe(Buffer.byteLength(`{"é": ${list}`));
    expect(found?.table.records()).toEqual(rows);
  });

  it('may have its fields in any one order, and white space anywhere', () => {
    const { kind, ...rest } = ROW;
    const text = JSON.stringify(
      [
        { kind, ...rest },
        { kind, ...rest, amount: 2 },
      ],
      null,
      '\t',
    )
      .replaceAll('\n', ' \r\n')
      .replaceAll(',', ' ,');
    expect(read(text)?.table.records()).toEqual([ROW, { ...ROW, amount: 2 }]);
  });

  it('of thousands of rows is whole', () => {
    const rows = Array.from({ length: 3_000 }, (_, i) => ({ ...ROW, amount: i / 7, note: `n${i}` }));
    expect(read(JSON.stringify(rows))?.table.records()).toEqual(rows);
  });

  it.each([
    ['0', '-0', '10', '-7', '0.5', '-0.25', '123456.789', '0.1234567890123', '999999999999999'],
    ['9007199254740993', '0.30000000000000004', '1.7976931348623157e308', '5e-324', '1E5', '1.5e+3', '2e-2'],
    ['123456789012345678901234567890', '0.000000000000000000001', '1e400', '8.41', '2.2250738585072011e-308'],
  ])('has the numbers that JSON.parse reads: %s …', (...numbers) => {
    for (const number of numbers) {
      const text = `[{"x":${number}}]`;
      const fields = [aField('x', 'float64')];
      const [expected] = byTheRow(text, fields) ?? [];
      expect([number, read(text, fields)?.table.record(0)]).toEqual([number, expected]);
    }
  });
});

describe('left to the ordinary way', () => {
  const change = (row: object): string => JSON.stringify([ROW, { ...ROW, ...row }]);
  it.each([
    ['a value of another type', change({ amount: '1' })],
    ['a text for a boolean', change({ open: 'true' })],
    ['a number for a text', change({ note: 1 })],
    ['an array', change({ note: ['x'] })],
    ['an object', change({ note: {} })],
    ['a text that the field does not take', change({ kind: 'c' })],
    ['a fraction for a whole number', change({ count: 1.5 })],
    ['a whole number out of its range', change({ count: 2 ** 31 })],
    ['null where there must be a value', change({ count: null })],
    ['a field too many', change({ extra: 1 })],
    ['a field too few', '[{"amount":1.5,"count":3,"kind":"a","note":"x"}]'],
    [
      'another order in a later row',
      `[${JSON.stringify(ROW)},{"count":3,"amount":1.5,"kind":"a","note":"x","open":true}]`,
    ],
    ['a name twice', JSON.stringify([ROW]).replace('"count"', '"amount"')],
    ['an escape', change({ note: 'a"b' })],
    ['an escaped name', JSON.stringify([ROW]).replace('"count"', '"\\u0063ount"')],
    ['no rows', '[]'],
    ['a first row that is very long', JSON.stringify([{ ...ROW, note: 'x'.repeat(70_000) }])],
    ['rows that are arrays', '[[1,2]]'],
    ['no list', JSON.stringify(ROW)],
    ['nothing', ''],
  ])('is %s', (_, text) => {
    expect(read(text)).toBeNull();
  });

  it.each(['01', '+1', '1.', '.5', '-', '1e', '1e+', '0x1', 'NaN', 'Infinity', 'nul', '--1', '1_0'])(
    'is the number %s, which JSON does not have',
    (number) => {
      expect(read(`[{"x":${number}}]`, [aField('x', 'float64', { nullable: true })])).toBeNull();
    },
  );

  it.each(['[{"x":1}', '[{"x":1},]', '[{"x":1}{"x":1}]', '[,{"x":1}]', '[{"x":1,}]', '[{"x" 1}]', '[{"x":1'])(
    'is what ends or stops in the wrong place: %s',
    (text) => {
      expect(read(text, [aField('x')])).toBeNull();
    },
  );

  it('is a control character in a text, and what is not UTF-8', () => {
    expect(read('[{"t":"a\tb"}]', [aField('t', 'string')])).toBeNull();
    const json = Buffer.from('[{"t":"é"}]', 'latin1');
    expect(compileTableReader([aField('t', 'string')])?.read(json, 0)).toBeNull();
  });

  it('is every signature whose rows are no plain columns', () => {
    expect(compileTableReader([aField('v', 'float32', { shape: [3] })])).toBeNull();
    expect(compileTableReader([aField('n'), aField('p', 'int64', { param: { default: 1 } })])).toBeNull();
    expect(compileTableReader([aField('__proto__')])).toBeNull();
    expect(compileTableReader([])).toBeNull();
  });
});

it('never reads what the ordinary way refuses or reads otherwise', () => {
  const random = seeded(20_261_121);
  const pieces = [
    ...'{}[]",:.-+eE019 \n\\nultrse'.split(''),
    'é',
    'null',
    'true',
    '"amount":',
    ',"count":',
    '1e5',
    '},{',
  ];
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  let readAlike = 0;
  for (let round = 0; round < 20_000; round++) {
    const rows = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
      amount: pick([null, 0, -1.5, 1e21, random()]),
      count: pick([0, -1, 2 ** 31 - 1]),
      kind: pick(['a', 'b', 'ä}']),
      note: pick([null, '', 'é', '{[,:', 'null']),
      open: pick([null, true, false]),
    }));
    let text = JSON.stringify(rows);
    for (let edits = Math.floor(random() * 3); edits > 0; edits--) {
      const at = Math.floor(random() * text.length);
      text = text.slice(0, at) + pick(['', pick(pieces)]) + text.slice(at + Math.floor(random() * 3));
    }
    const found = read(text);
    if (found === null || found.end !== Buffer.byteLength(text.trimEnd())) continue;
    readAlike++;
    expect([text, found.table.records()]).toEqual([text, byTheRow(text)]);
  }
  expect(readAlike).toBeGreaterThan(5_000);
});
