import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/json.ts';
import { describeDifference, diffTransforms } from './diff.ts';
import { diffOnRows } from './diff-on-rows.ts';
import { fingerprintOf } from './fingerprint.ts';
import { fitTransform } from './fit.ts';
import { parseTransform, type TransformSpec } from './spec.ts';

const DOCUMENT = {
  schema: 'slipway.transform/1',
  fields: [
    { name: 'price', type: 'number', required: false },
    { name: 'kind', type: 'string' },
  ],
  outputs: [
    { name: 'price', from: 'price', steps: [{ op: 'impute', with: 'median' }, { op: 'standardise' }] },
    { name: 'kind', from: 'kind', steps: [{ op: 'one_hot' }] },
  ],
};
const ROWS: readonly JsonObject[] = [
  { price: 1, kind: 'a' },
  { price: null, kind: 'b' },
  { price: 3, kind: 'a' },
];

const fitted = (rows = ROWS, document: object = DOCUMENT): Promise<TransformSpec> =>
  fitTransform(parseTransform(document), { rows: () => [rows] });

describe('diffTransforms', () => {
  it('finds nothing between two that have one fingerprint', async () => {
    const [a, b] = [await fitted(), await fitted()];
    expect(diffTransforms(a, b)).toEqual([]);
    expect(fingerprintOf(a)).toBe(fingerprintOf(b));
  });

  it('names the operation and the numbers that were learnt otherwise', async () => {
    const b = await fitted([...ROWS, { price: 9, kind: 'c' }]);
    const found = diffTransforms(await fitted(), b);
    expect(found).toMatchObject([
      { path: 'outputs.price.steps[0].fitted.value', operation: 'impute', a: 2, b: 3 },
      { path: 'outputs.price.steps[1].fitted.mean', operation: 'standardise', a: 2, b: 4 },
      { path: 'outputs.price.steps[1].fitted.scale', operation: 'standardise' },
      { path: 'outputs.kind.steps[0].fitted.categories', a: ['a', 'b'], b: ['a', 'b', 'c'] },
    ]);
    expect(found.map(describeDifference)).toEqual([
      'outputs.price.steps[0].fitted.value (impute): 2 in A, 3 in B (by 1)',
      'outputs.price.steps[1].fitted.mean (standardise): 2 in A, 4 in B (by 2)',
      expect.stringContaining('fitted.scale (standardise): 0.81'),
      'outputs.kind.steps[0].fitted.categories (one_hot): only in A [], only in B ["c"]',
    ]);
  });

  it('names fields, outputs, options, steps and their order', () => {
    const a = parseTransform(DOCUMENT);
    const [price, kind] = DOCUMENT.outputs;
    const b = parseTransform({
      ...DOCUMENT,
      target: 'y',
      fields: [DOCUMENT.fields[1], { ...DOCUMENT.fields[0], minimum: 0 }, { name: 'new', type: 'number' }],
      outputs: [
        { ...kind, steps: [{ op: 'one_hot', unknown: 'zeros' }] },
        { ...price, steps: [{ op: 'impute', with: 'median' }, { op: 'min_max' }, { op: 'clip', min: 0 }] },
      ],
    });
    expect(diffTransforms(a, b)).toMatchObject([
      { path: 'target', a: undefined, b: 'y' },
      { path: 'fields.price.minimum', a: undefined, b: 0 },
      { path: 'fields.new', a: undefined },
      { path: 'fields', a: ['price', 'kind'], b: ['kind', 'price'] },
      { path: 'outputs.price.steps[1]', operation: 'standardise', b: { op: 'min_max' } },
      { path: 'outputs.price.steps[2]', operation: 'clip', a: undefined },
      { path: 'outputs.kind.steps[0].unknown', operation: 'one_hot', a: 'error', b: 'zeros' },
      { path: 'outputs', a: ['price', 'kind'], b: ['kind', 'price'] },
    ]);
  });
});

describe('diffOnRows', () => {
  it('tells how many rows differ, by how much, from which row on and by which operation', async () => {
    const b = await fitted([...ROWS, { price: 3, kind: 'a' }, { price: 5, kind: 'c' }]);
    const rows = [
      { price: 2, kind: 'a' },
      { price: 4, kind: 'b' },
      { price: 2, kind: 'c' },
      { price: 1, kind: 'z' },
    ];
    const found = await diffOnRows(await fitted(), b, { rows: () => [rows] });
    expect(found).toMatchObject({
      rows: 4,
      onlyRefusedByA: 1,
      onlyRefusedByB: 0,
      columns: [{ column: 'price', rows: 2, firstRow: 1, operation: 'standardise' }],
    });
    expect(found.columns[0]?.largest).toBeCloseTo(2 / Math.sqrt(2 / 3) - 1 / Math.sqrt(1.6), 5);
  });

  it('sees the first operation of a chain, and a step that one lacks', async () => {
    const withSteps = (type: string, ...steps: object[]): Promise<TransformSpec> =>
      fitted([{ x: 1, price: 1 }], {
        ...DOCUMENT,
        fields: [{ name: 'x', type, required: false }],
        outputs: [{ name: 'x', from: 'x', missing: 'nan', steps }],
      });
    const operationOf = async (a: TransformSpec, b: TransformSpec): Promise<unknown> =>
      (await diffOnRows(a, b, { rows: () => [[{ x: 4 }]] })).columns[0]?.operation;
    const clipped = await withSteps('number', { op: 'clip', max: 3 }, { op: 'log1p' });
    expect(
      await operationOf(clipped, await withSteps('number', { op: 'clip', max: 2 }, { op: 'log1p' })),
    ).toBe('clip');
    expect(await operationOf(clipped, await withSteps('number', { op: 'clip', max: 3 }))).toBe('log1p');
    expect(await operationOf(await withSteps('number'), clipped)).toBe('clip');
  });
});
