import { describe, expect, it } from 'vitest';
import { aField, aSignature, parsedRow, seeded } from '../../test/support/serving-fakes.ts';
import type { JsonValue } from '../kernel/json.ts';
import { compileRecordCheck } from './record-check.ts';
import { ELEMENT_TYPES, type ElementType, type Field, floatMaximum, integerBounds } from './signature.ts';

const NAMES = [
  'a',
  'b',
  'été',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'features',
  '',
  '0',
];

function pick<Item>(random: () => number, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

function randomField(random: () => number, name: string): Field {
  return {
    name,
    type: pick(random, ELEMENT_TYPES),
    shape: pick(random, [[], [], [], [2], [-1], [2, 2], [-1, 2], [-1, -1]]),
    required: random() < 0.7,
    nullable: random() < 0.4,
  };
}

function goodScalar(random: () => number, field: Field): JsonValue {
  if (field.nullable && random() < 0.2) return null;
  if (field.type === 'string') return pick(random, ['', 'é', 'x'.repeat(200)]);
  if (field.type === 'bool') return random() < 0.5;
  const bounds = integerBounds(field.type);
  if (bounds !== null) return pick(random, [bounds[0], bounds[1], 0, 1]);
  return pick(random, [0, -0, 0.1, 1e-300, floatMaximum(field.type) ?? 0, -(floatMaximum(field.type) ?? 0)]);
}

function goodValue(random: () => number, field: Field, shape: readonly number[]): JsonValue {
  const [size, ...inner] = shape;
  if (size === undefined) return goodScalar(random, field);
  return Array.from({ length: size === -1 ? 3 : size }, () => goodValue(random, field, inner));
}

const ODD: readonly JsonValue[] = [
  null,
  true,
  '7',
  1.5,
  1e39,
  -1,
  256,
  2 ** 53,
  [],
  [[]],
  [1],
  [1, 2],
  [[1], [2, 3]],
  [[1, 2], 3],
  {},
  [null],
];

function randomRow(random: () => number, fields: readonly Field[]): JsonValue {
  if (random() < 0.02) return pick(random, ODD);
  const pairs: string[] = [];
  for (const field of fields) {
    if (random() < 0.05) continue;
    const value = random() < 0.15 ? pick(random, ODD) : goodValue(random, field, field.shape);
    pairs.push(`${JSON.stringify(field.name)}:${JSON.stringify(value)}`);
  }
  if (random() < 0.1) pairs.push(`${JSON.stringify(pick(random, NAMES))}:1`);
  return parsedRow(`{${pairs.join(',')}}`);
}

describe('fits and problems', () => {
  it('agree on 20,000 random rows of 400 random signatures', () => {
    const random = seeded(20_260_301);
    let fitting = 0;
    for (let i = 0; i < 400; i++) {
      const names = NAMES.filter(() => random() < 0.4);
      const fields = names.map((name) => randomField(random, name));
      const check = compileRecordCheck(aSignature(fields));
      for (let j = 0; j < 50; j++) {
        const row = randomRow(random, fields);
        const problems = check.problems(row);
        const told = `${JSON.stringify(fields)} ${JSON.stringify(row)} ${JSON.stringify(problems)}`;
        expect(check.fits(row), told).toBe(problems.length === 0);
        if (problems.length === 0) fitting++;
      }
    }
    expect(fitting).toBeGreaterThan(2_000);
    expect(fitting).toBeLessThan(18_000);
  });
});

function accepts(field: Field, value: JsonValue): boolean {
  return compileRecordCheck(aSignature([field])).fits(parsedRow(`{"x":${JSON.stringify(value)}}`));
}

describe('each element type at its bounds', () => {
  it.each([
    ['int8', -128, 127],
    ['int16', -32_768, 32_767],
    ['int32', -2_147_483_648, 2_147_483_647],
    ['int64', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['uint8', 0, 255],
    ['uint16', 0, 65_535],
    ['uint32', 0, 4_294_967_295],
    ['uint64', 0, Number.MAX_SAFE_INTEGER],
  ] as [ElementType, number, number][])('%s holds %d to %d', (type, least, most) => {
    const field = aField('x', type);
    for (const value of [least, most, 0, 1]) expect(accepts(field, value)).toBe(true);
    for (const value of [least - 1, most + 1, 0.5, null, '1', true, [1]])
      expect(accepts(field, value)).toBe(false);
  });

  it.each([
    ['float16', 65_504, 65_505],
    ['float32', 3.4028234663852886e38, 3.4028235e38],
  ] as [ElementType, number, number][])('%s holds %d and not %d', (type, most, past) => {
    const field = aField('x', type);
    for (const value of [most, -most, 0, 1e-300]) expect(accepts(field, value)).toBe(true);
    for (const value of [past, -past, null, '1', true]) expect(accepts(field, value)).toBe(false);
  });

  it('float64 holds all that JSON has', () => {
    for (const value of [Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324])
      expect(accepts(aField('x', 'float64'), value)).toBe(true);
  });

  it('refuses what is not finite, whatever wrote it', () => {
    const check = compileRecordCheck(aSignature([aField('x', 'float64', { nullable: true })]));
    for (const x of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(check.fits({ x })).toBe(false);
      expect(check.problems({ x })[0]?.message).toBe('is not a finite number');
    }
  });

  it('takes booleans and strings for what they are', () => {
    expect(accepts(aField('x', 'bool'), false)).toBe(true);
    for (const value of [0, 1, 'true', null]) expect(accepts(aField('x', 'bool'), value)).toBe(false);
    expect(accepts(aField('x', 'string'), '')).toBe(true);
    for (const value of [0, false, null, ['a']]) expect(accepts(aField('x', 'string'), value)).toBe(false);
  });
});

describe('missing values', () => {
  it('takes null only where the model does', () => {
    expect(accepts(aField('x', 'float32', { nullable: true }), null)).toBe(true);
    expect(accepts(aField('x', 'float32'), null)).toBe(false);
  });

  it('lets an optional field be away, and not be null unless it may', () => {
    const optional = compileRecordCheck(aSignature([aField('x', 'float32', { required: false })]));
    expect(optional.fits({})).toBe(true);
    expect(optional.fits({ x: null })).toBe(false);
    expect(compileRecordCheck(aSignature([aField('x')])).problems({})).toEqual([
      { path: 'x', message: 'is missing', expected: 'number (float32)', got: 'nothing' },
    ]);
  });
});

describe('unknown fields', () => {
  it('names five, cut to 64 characters, and counts the rest', () => {
    const row = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`${i}${'n'.repeat(100)}`, i]));
    const problems = compileRecordCheck(aSignature([])).problems(row, 'instances[3].');
    expect(problems).toHaveLength(6);
    for (const problem of problems.slice(0, 5)) {
      expect(problem.path).toHaveLength('instances[3].'.length + 64);
      expect(problem.message).toBe('is not a field of this model');
    }
    expect(problems[5]?.message).toBe('and 4 more fields that this model does not have');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])('%s is one', (name) => {
    const check = compileRecordCheck(aSignature([aField('x')]));
    const row = parsedRow(`{"x":1,"${name}":1}`);
    expect(check.fits(row)).toBe(false);
    expect(check.problems(row).map((problem) => problem.path)).toEqual([name]);
  });

  it.each(['__proto__', 'constructor', 'toString'])('%s may be a field as well', (name) => {
    for (const type of ['float32', 'string'] as const) {
      const check = compileRecordCheck(aSignature([aField(name, type)]));
      const value = type === 'string' ? '"a"' : '1';
      expect(check.fits(parsedRow(`{"${name}":${value}}`))).toBe(true);
      expect(check.fits(parsedRow('{}'))).toBe(false);
      expect(check.problems(parsedRow('{}'))[0]).toMatchObject({ path: name, message: 'is missing' });
      const optional = compileRecordCheck(aSignature([aField(name, type, { required: false })]));
      expect(optional.fits(parsedRow('{}'))).toBe(true);
    }
  });
});

describe('arrays', () => {
  it.each([
    [[3], [1, 2, 3], true],
    [[3], [1, 2], false],
    [[-1], [], true],
    [[-1], 1, false],
    [
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
      true,
    ],
    [[2, 2], [[1, 2], [3]], false],
    [[2, 2], [1, 2, 3, 4], false],
    [
      [-1, -1],
      [
        [1, 2],
        [3, 4],
      ],
      true,
    ],
    [[-1, -1], [[1], [2, 3]], false],
    [[-1, -1], [[1], 2], false],
    [[-1, -1, 1], [[[1]], [[1], [2]]], false],
    [
      [-1, 2],
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      true,
    ],
    [[2], [1, '2'], false],
    [[2], [1, null], false],
  ] as [number[], JsonValue, boolean][])('shape %j: %j is %s', (shape, value, fits) => {
    expect(accepts(aField('x', 'float32', { shape }), value)).toBe(fits);
  });
});

describe('what a problem says', () => {
  it('never repeats a value', () => {
    const secret = 'hunter2-4111111111111111';
    const fields = ELEMENT_TYPES.filter((type) => type !== 'string').map((type) => aField(type, type));
    fields.push(aField('list', 'string', { shape: [2] }), aField('text', 'string'));
    const row = Object.fromEntries([
      ...fields.map((field) => [field.name, field.name === 'text' ? 4111111111111111 : secret]),
      ['stranger', secret],
    ]);
    const problems = compileRecordCheck(aSignature(fields)).problems(row);
    expect(problems).toHaveLength(fields.length + 1);
    expect(JSON.stringify(problems)).not.toMatch(/hunter2|4111/);
    for (const problem of problems) expect(['string', 'integer']).toContain(problem.got);
  });

  it('says what a row that is none is', () => {
    const check = compileRecordCheck(aSignature());
    for (const [row, got] of [
      [null, 'null'],
      [[1], 'array'],
      ['a', 'string'],
      [undefined, 'nothing'],
    ] as const) {
      expect(check.fits(row)).toBe(false);
      expect(check.problems(row, 'instances[0].')).toEqual([
        { path: 'instances[0]', message: 'must be an object of fields', expected: 'object', got },
      ]);
    }
  });

  it('is bounded', () => {
    const fields = Array.from({ length: 250 }, (_, i) => aField(`f${i}`));
    const problems = compileRecordCheck(aSignature(fields)).problems({});
    expect(problems).toHaveLength(101);
    expect(problems[100]?.message).toBe('and 150 more problems');
  });
});
