import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Datatype, InputTensor } from '../contracts/oip/tensor.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { compileRecordCheck } from '../models/record-check.ts';
import type { ElementType, Field, Signature } from '../models/signature.ts';
import { type Cell, csvCell, exactValue, LOSSY, tableValue } from './coercion.ts';
import { compileReadRows } from './oip/read-rows.ts';
import { toStandardJson } from './python-json.ts';

const PAGE = path.resolve(import.meta.dirname, '../../docs/reference/coercion.md');

function field(type: ElementType, more: Partial<Field> = {}): Field {
  return { name: 'x', type, shape: [], required: true, nullable: false, ...more };
}

/** `int64`, `float64 or null`, `time`: a field as the page names it. */
function namedField(name: string): Field {
  const [type = '', nullable] = name.split(' or ');
  const isTime = type === 'time';
  return field(isTime ? 'string' : (type as ElementType), {
    nullable: nullable === 'null',
    ...(isTime && { format: 'date-time' as const }),
  });
}

/** What the check of the signature makes of a row: its value in the page's words. */
function checked(of: Field, row: JsonObject): string {
  if (!compileRecordCheck({ fields: [of] }).fits(row)) return 'refused';
  return row['x'] === null ? 'missing' : `\`${JSON.stringify(row['x'])}\``;
}

const WAYS: Readonly<Record<string, (of: Field, literal: string) => string>> = {
  JSON: (of, literal) => {
    try {
      return checked(of, { x: JSON.parse(literal) });
    } catch {
      return 'refused';
    }
  },
  tensor: (of, literal) => {
    const value = tensorValueOf(literal);
    const signature = { fields: [of], tensors: { matrix: null, outputs: [] } } as unknown as Signature;
    const tensor: InputTensor = { name: 'x', datatype: datatypeOf(of, value), shape: [1], data: [value] };
    const { rows } = compileReadRows(signature)([tensor], 1);
    return rows === null ? 'refused' : checked(of, rows[0] as JsonObject);
  },
  table: (of, literal) => {
    const json = toStandardJson(Buffer.from(literal)).toString();
    return checked(of, { x: tableValue(of, JSON.parse(json)) });
  },
  CSV: (of, literal) => {
    const text = literal.startsWith('"') ? (JSON.parse(literal) as string) : literal;
    return checked(of, { x: tableValue(of, csvCell(of, literal === 'null' ? '' : text)) });
  },
};

function tensorValueOf(literal: string): number | bigint | boolean | string | null {
  if (/^\d{16,}$/.test(literal)) return BigInt(literal);
  return literal === 'NaN' || literal === 'Infinity' ? Number(literal) : JSON.parse(literal);
}

function datatypeOf({ type }: Field, value: ReturnType<typeof tensorValueOf>): Datatype {
  if (value === null) return type === 'string' ? 'BYTES' : type === 'bool' ? 'BOOL' : 'FP64';
  const datatypes: Readonly<Record<string, Datatype>> = {
    number: 'FP64',
    bigint: 'INT64',
    boolean: 'BOOL',
    string: 'BYTES',
  };
  return datatypes[typeof value] as Datatype;
}

const [heading = [], , ...examples] = readFileSync(PAGE, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((text) => text.trim()),
  )
  .filter((cells) => cells.length === 6);

describe('the page', () => {
  it('has a column for each way that a cell comes in', () => {
    expect(heading).toEqual(['field', 'cell', ...Object.keys(WAYS)]);
    expect(examples.length).toBeGreaterThan(40);
  });

  it.each(examples)('says what becomes of a %s of %s', (name = '', cell = '', ...said) => {
    const literal = cell.slice(1, -1);
    const found = Object.values(WAYS).map((way) => way(namedField(name), literal));
    expect(found.join(' | ')).toBe(said.join(' | '));
  });
});

describe('a cell of a table', () => {
  const taken = (of: Field, cell: JsonValue | undefined): string => checked(of, { x: tableValue(of, cell) });

  it.each<[ElementType, JsonValue]>([
    ['float64', '0x10'],
    ['float64', '9'.repeat(500)],
    ['float64', { a: 1 }],
    ['int64', [3]],
    ['int64', '9007199254740993'],
    ['bool', []],
  ])('of %s refuses %s', (type, cell) => {
    expect(taken(field(type), cell)).toBe('refused');
  });

  it('that is not there is missing', () => {
    expect(taken(field('float32', { nullable: true }), undefined)).toBe('missing');
    expect(taken(field('string'), undefined)).toBe('refused');
  });

  it('of an array is converted element by element', () => {
    const matrix = field('int64', { shape: [2, 2] });
    expect(
      taken(matrix, [
        ['1', 2.0],
        [true, 4],
      ]),
    ).toBe('`[[1,2],[1,4]]`');
    expect(
      taken(matrix, [
        ['1', 2.5],
        [3, 4],
      ]),
    ).toBe('refused');
    expect(taken(matrix, [1, 2])).toBe('refused');
  });
});

describe('a cell that says its type', () => {
  it.each<[Cell, JsonValue | typeof LOSSY]>([
    [5n, 5],
    [-(2n ** 53n), LOSSY],
    [2n ** 53n - 1n, 2 ** 53 - 1],
    [Buffer.from([0xff]), LOSSY],
    [undefined, null],
    ['3', '3'],
    [true, true],
  ])('%s keeps what it is', (cell, value) => {
    expect(exactValue(field('int64'), cell)).toBe(value);
  });
});
