import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../kernel/json.ts';
import { compileRecordCheck } from '../models/record-check.ts';
import type { ElementType, Field } from '../models/signature.ts';
import { coerceCell, coerceRow } from './coercion.ts';

function field(type: ElementType, more: Partial<Field> = {}): Field {
  return { name: 'x', type, shape: [], required: true, nullable: false, ...more };
}

/** What the check of the signature has of the cell after coercion: its value, or that it is refused. */
function taken(of: Field, cell: unknown): JsonValue {
  const row = coerceRow([of], { [of.name]: cell });
  if (!compileRecordCheck({ fields: [of] }).fits(row)) return 'refused';
  return Object.hasOwn(row, of.name) ? (row[of.name] as JsonValue) : 'absent';
}

describe('a cell', () => {
  it.each<[ElementType, unknown, JsonValue]>([
    ['int64', 3.0, 3],
    ['int64', '3.0', 3],
    ['int64', ' 7 ', 7],
    ['int64', '1e2', 100],
    ['int64', true, 1],
    ['int64', 12n, 12],
    ['int32', '2147483647', 2147483647],
    ['float64', '4.25', 4.25],
    ['float64', '-.5e-3', -0.0005],
    ['float32', false, 0],
    ['float64', 5n, 5],
    ['bool', true, true],
    ['bool', 1, true],
    ['bool', 0, false],
    ['bool', 0n, false],
    ['bool', 'True', true],
    ['bool', 'FALSE', false],
    ['string', '3', '3'],
    ['string', '', ''],
  ])('of %s takes %s', (type, cell, value) => {
    expect(taken(field(type), cell)).toBe(value);
  });

  it.each<[ElementType, unknown]>([
    ['int64', 3.5],
    ['int64', '3.5'],
    ['int64', 'three'],
    ['int64', ''],
    ['int64', '9007199254740993'],
    ['int64', 9007199254740993n],
    ['int8', 128],
    ['uint8', -1],
    ['float64', Number.POSITIVE_INFINITY],
    ['float64', 'inf'],
    ['float64', '0x10'],
    ['float64', '1_000'],
    ['float64', '9'.repeat(500)],
    ['float32', '1e300'],
    ['float64', 9007199254740993n],
    ['bool', 2],
    ['bool', 'yes'],
    ['bool', ''],
    ['string', 3],
    ['string', true],
    ['int64', [3]],
    ['float64', { a: 1 }],
    ['int64', null],
    ['bool', Number.NaN],
  ])('of %s refuses %s', (type, cell) => {
    expect(taken(field(type), cell)).toBe('refused');
  });

  it('is missing as null where the field takes null, and absent where it may be left out', () => {
    for (const missing of [null, undefined, Number.NaN]) {
      expect(taken(field('float32', { nullable: true }), missing)).toBe(null);
      expect(taken(field('string', { required: false }), missing)).toBe('absent');
      expect(taken(field('string'), missing)).toBe('refused');
    }
  });

  it('of an array is coerced element by element', () => {
    const matrix = field('int64', { shape: [2, 2] });
    expect(
      coerceCell(matrix, [
        ['1', 2.0],
        [true, 4n],
      ]),
    ).toEqual([
      [1, 2],
      [1, 4],
    ]);
    expect(
      taken(matrix, [
        ['1', 2.5],
        [3, 4],
      ]),
    ).toBe('refused');
    expect(taken(matrix, [1, 2])).toBe('refused');
  });

  it('of a time is a text as the check has it', () => {
    const time = field('string', { format: 'date-time' });
    expect(taken(time, '2026-03-01 10:00:00')).toBe('2026-03-01 10:00:00');
    expect(taken(time, 1772359200000)).toBe('refused');
  });
});

describe('a row', () => {
  it('keeps names that are no field for the check, whatever they are', () => {
    const row = coerceRow(
      [field('int64')],
      JSON.parse('{"x": "1", "__proto__": {"y": 1}, "z": 2}') as object as never,
    );
    expect(Object.keys(row)).toEqual(['x', '__proto__', 'z']);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });
});
