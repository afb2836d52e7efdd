import { describe, expect, it } from 'vitest';
import { compileRecordCheck } from './record-check.ts';
import {
  ELEMENT_TYPES,
  type ElementType,
  type Field,
  floatMaximum,
  integerBounds,
  type Signature,
} from './signature.ts';

const field = (name: string, type: ElementType, more: Partial<Field> = {}): Field => ({
  name,
  type,
  shape: [],
  required: true,
  nullable: false,
  ...more,
});
const checkOf = (...fields: Field[]) =>
  compileRecordCheck({ fields, acceptsArray: false, output: { task: 'regression' } } satisfies Signature);
const parse = (text: string): unknown => JSON.parse(text);

describe('a value of its type', () => {
  it.each(ELEMENT_TYPES.filter((type) => integerBounds(type) !== null))(
    '%s holds its bounds and nothing beyond',
    (type) => {
      const [least, most] = integerBounds(type) as readonly [number, number];
      const check = checkOf(field('x', type));
      for (const x of [least, most, 0]) expect(check.fits({ x })).toBe(true);
      for (const x of [least - 1, most + 1, 0.5, Number.NaN, '1', true, null])
        expect(check.fits({ x })).toBe(false);
    },
  );

  it.each(['float16', 'float32', 'float64'] as const)('%s holds finite numbers that fit', (type) => {
    const most = floatMaximum(type) as number;
    const check = checkOf(field('x', type));
    for (const x of [most, -most, 0.1]) expect(check.fits({ x })).toBe(true);
    for (const x of [most * 2, Number.POSITIVE_INFINITY, Number.NaN, '1', null])
      expect(check.fits({ x })).toBe(false);
  });

  it('null is for fields that may be missing, absence for those that need not be there', () => {
    expect(checkOf(field('x', 'float32', { nullable: true })).fits({ x: null })).toBe(true);
    expect(checkOf(field('x', 'float32', { nullable: true })).fits({})).toBe(false);
    expect(checkOf(field('x', 'float32', { required: false })).fits({})).toBe(true);
  });

  it('an array has its shape, and free dimensions are not ragged', () => {
    const fixed = checkOf(field('x', 'float32', { shape: [2, 2] }));
    expect(
      fixed.fits({
        x: [
          [1, 2],
          [3, 4],
        ],
      }),
    ).toBe(true);
    for (const x of [
      [1, 2],
      [[1, 2]],
      [[1, 2], [3]],
      [
        [1, 2],
        [3, '4'],
      ],
    ])
      expect(fixed.fits({ x })).toBe(false);
    const free = checkOf(field('x', 'float32', { shape: [-1, -1] }));
    expect(free.fits({ x: [[1], [2]] })).toBe(true);
    expect(free.fits({ x: [[1], [2, 3]] })).toBe(false);
  });
});

describe('names', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    '%s is a name like any other',
    (name) => {
      const check = checkOf(field(name, 'float32'));
      expect(check.fits(parse(`{"${name}": 1}`))).toBe(true);
      expect(check.fits({})).toBe(false);
      expect(checkOf(field('x', 'float32')).fits(parse(`{"x": 1, "${name}": 1}`))).toBe(false);
    },
  );

  it('that are unknown are cut and counted, and no value is repeated', () => {
    const row = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, i) => [`${'n'.repeat(100)}${i}`, 'secret']),
    );
    const problems = checkOf(field('x', 'float32')).problems(row);
    const text = JSON.stringify(problems);
    expect(problems).toHaveLength(7);
    expect(text).not.toContain('secret');
    expect(text.length).toBeLessThan(1_500);
    expect(problems.at(-1)?.message).toContain('49995 more');
  });
});

describe('the quick answer and the long one', () => {
  /** A small generator with a seed (mulberry32), so that a failure can be seen again. */
  function randomFrom(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
    };
  }

  it('agree on 20,000 random rows of random signatures', () => {
    const random = randomFrom(42);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
    const values = [
      0,
      1,
      -1,
      0.5,
      300,
      1e39,
      2 ** 53,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '',
      'a',
      true,
      false,
      null,
      [],
      [1],
      [1, 2],
      [[1]],
      {},
      undefined,
    ];
    for (let round = 0; round < 400; round++) {
      const fields = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, i) =>
        field(pick(['a', 'b', '__proto__', 'constructor', 'e']) + i, pick(ELEMENT_TYPES), {
          shape: pick([[], [], [], [2], [-1], [1, -1]]),
          required: random() < 0.7,
          nullable: random() < 0.3,
        }),
      );
      const check = checkOf(...fields);
      for (let i = 0; i < 50; i++) {
        const entries = fields
          .filter(() => random() < 0.95)
          .map((each) => [each.name, pick(values)] as const);
        const row = Object.fromEntries(random() < 0.1 ? [...entries, ['surplus', 1] as const] : entries);
        const text = JSON.stringify(fields) + JSON.stringify(row);
        expect(check.fits(row) === (check.problems(row).length === 0), text).toBe(true);
      }
    }
  });
});
