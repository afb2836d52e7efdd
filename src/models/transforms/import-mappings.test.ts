import { describe, expect, it } from 'vitest';
import { AppError } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { compileTransform } from './compile.ts';
import { importMappings } from './import-mappings.ts';

function vectorOf(block: object, row: JsonObject): Record<string, number | undefined> {
  const compiled = compileTransform(importMappings(block));
  const out = new Float32Array(compiled.columns.length);
  compiled.encode(row, out, 0);
  return Object.fromEntries(compiled.columns.map((column, i) => [column, out[i]]));
}

function problemsOf(block: unknown): readonly string[] {
  try {
    importMappings(block);
  } catch (error) {
    if (error instanceof AppError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

const CITY = { low: 0, mid: 1, high: 5 };

describe('importMappings', () => {
  it.each([
    ['numbers', { feature_names: ['a', 'b'] }, { b: 2, a: 1 }, { a: 1, b: 2 }],
    [
      'a number for a category',
      { feature_names: ['c'], encoding_mappings: { c: CITY } },
      { c: 'high' },
      { c: 5 },
    ],
    [
      'a category for a number',
      { feature_names: ['c'], encoding_mappings: { c: { 0: 'low', 5: 'high' } } },
      { c: 'high' },
      { c: 5 },
    ],
    [
      'a name of its own',
      { feature_names: ['c_encoded', 'n'], encoding_mappings: { c: CITY } },
      { c: 'mid', n: 3 },
      { c_encoded: 1, n: 3 },
    ],
    [
      'the place in a list',
      { feature_names: ['c'], encoding_mappings: { c: ['z', 'y'] } },
      { c: 'y' },
      { c: 1 },
    ],
    [
      'one-hot in the order of the features',
      { feature_names: ['n', 'c_y', 'c_z', 'm'], encoding_mappings: { c: ['z', 'y'] } },
      { c: 'y', n: 1, m: 2 },
      { n: 1, c_y: 1, c_z: 0, m: 2 },
    ],
    [
      'one-hot without the first category, in the context of a pipeline',
      {
        epoch005: {},
        epoch004: { feature_names: ['c_y', 'c_x'], encoding_mappings: { c: ['z', 'y', 'x'] } },
      },
      { c: 'z' },
      { c_y: 0, c_x: 0 },
    ],
  ])('reads %s', (_, block, row, expected) => {
    const vector = vectorOf(block, row as unknown as JsonObject);
    expect(vector).toEqual(expected);
    const inner = 'epoch004' in block ? block.epoch004 : block;
    expect(Object.keys(vector)).toEqual(inner.feature_names);
  });

  it('refuses all that could be read in two ways', () => {
    const problems = problemsOf({
      feature_names: [
        'n',
        'n',
        'both',
        'both_a',
        'a_b_c',
        'part_y',
        'apart_x',
        'm',
        'apart_y',
        'num',
        'nan',
        'text',
      ],
      encoding_mappings: {
        both: ['a'],
        a: ['b_c'],
        a_b: ['c'],
        part: ['x', 'y', 'z'],
        apart: ['x', 'y'],
        num: { 1: 2, true: 3 },
        nan: { '0': 'NaN', '1': 'b', '2': 'b' },
        text: { a: 'b' },
        none: { a: 1 },
      },
    });
    expect(problems).toEqual([
      'feature_names[1]: "n" is there twice',
      'encoding_mappings.both: could make each of "both", "both_a": leave one',
      'encoding_mappings.part: feature_names has no "part_x", "part_z": only the first category may be left out',
      'encoding_mappings.apart: its columns do not stand together in feature_names',
      'encoding_mappings.num: "1" is a text or a value of another type: write a transform that says the field\'s type',
      'encoding_mappings.num: "true" is a text or a value of another type: write a transform that says the field\'s type',
      'encoding_mappings.nan.2: "b" has two numbers',
      'encoding_mappings.nan: "NaN" is a text or a missing value: rename it, or write a transform with a missing rule',
      'encoding_mappings.text.a: is a text for a text: one of the two must be a number',
      'encoding_mappings.none: feature_names has neither "none" nor "none_encoded"',
      'feature_names[4]: could be made of "a" or of "a_b": rename one',
    ]);
  });

  it('refuses what has another form, and what it would have to pass over', () => {
    expect(
      problemsOf({ feature_names: [], encoding_mappings: { a: {}, b: { x: true } }, scaler: {} }),
    ).toEqual([
      expect.stringContaining('feature_names'),
      expect.stringContaining('encoding_mappings.a: must be'),
      expect.stringContaining('encoding_mappings.b: must be'),
      expect.stringContaining('scaler'),
    ]);
  });

  it('refuses an unknown category at the door', () => {
    const spec = importMappings({ feature_names: ['c'], encoding_mappings: { c: CITY } });
    const [step] = spec.outputs[0]?.steps ?? [];
    expect(step?.operation.allowed?.(step.options, step.fitted)).toEqual(['low', 'mid', 'high']);
  });
});
