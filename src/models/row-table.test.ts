import { expect, it } from 'vitest';
import { aField } from '../../test/support/serving-fakes.ts';
import { RowTable, recordAt } from './row-table.ts';

const FIELDS = [aField('x'), aField('t', 'string'), aField('b', 'bool')];
const table = (...xs: number[]) =>
  new RowTable(
    FIELDS,
    [Float64Array.from(xs), xs.map((x) => (x < 0 ? null : `t${x}`)), Float64Array.from(xs, (x) => x % 2)],
    xs.length,
  );

it('has each row as a record, null where a value is missing', () => {
  expect(table(1, -2, Number.NaN).records()).toEqual([
    { x: 1, t: 't1', b: true },
    { x: -2, t: null, b: false },
    { x: null, t: 'tNaN', b: null },
  ]);
});

it('is cut and put together again', () => {
  const whole = table(1, 2, 3, 4, 5);
  const parts = [whole.slice(0, 2), whole.slice(2, 9)];
  expect(parts.map(({ length }) => length)).toEqual([2, 3]);
  expect(parts[1]?.record(0)).toEqual({ x: 3, t: 't3', b: true });
  expect(RowTable.concat(parts).records()).toEqual(whole.records());
});

it('gives its rows like a list of records', () => {
  expect(recordAt(table(7), 0)).toEqual({ x: 7, t: 't7', b: true });
  expect(recordAt([{ x: 7 }], 0)).toEqual({ x: 7 });
});
