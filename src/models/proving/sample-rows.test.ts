import { describe, expect, it } from 'vitest';
import { aField, aSignature } from '../../../test/support/serving-fakes.ts';
import { compileRecordCheck } from '../record-check.ts';
import type { Signature } from '../signature.ts';
import { sampleRows } from './sample-rows.ts';

const SIGNATURE = aSignature([
  aField('age', 'int64', { minimum: 18 }),
  aField('income', 'float64', { required: false, nullable: true }),
  aField('city', 'string'),
  aField('plan', 'string', { oneOf: ['basic', 'pro'] }),
  aField('member', 'bool'),
]);
const SEEN = [
  { age: 30, income: 40.5, city: 'Oslo', plan: 'pro', member: true },
  { age: 60, income: 80.25, city: 'Rome', plan: 'basic', member: false },
];

const sample = (signature: Signature, seen: typeof SEEN, probes = {}) =>
  sampleRows(signature, seen, { count: 1_000, seed: 7, probes });

describe('sampleRows', () => {
  const rows = sample(SIGNATURE, SEEN);
  const values = (name: string) => new Set(rows.map((row) => row[name]));

  it('makes as many rows as asked, all of which fit', () => {
    expect(rows).toHaveLength(1_000);
    expect(rows.every(compileRecordCheck(SIGNATURE).fits)).toBe(true);
  });

  it('makes the same rows of the same seed, and others of another', () => {
    expect(sample(SIGNATURE, SEEN)).toEqual(rows);
    expect(sampleRows(SIGNATURE, SEEN, { count: 1_000, seed: 8 })).not.toEqual(rows);
  });

  it('mixes what was seen, and tries what never was', () => {
    expect(rows).toContainEqual(expect.objectContaining({ age: 30, city: 'Rome' }));
    expect(values('city')).toContain('a category that was never seen');
    expect(values('city')).toContain('');
    expect(values('plan')).toEqual(new Set(['basic', 'pro']));
    expect(values('member')).toEqual(new Set([true, false]));
  });

  it('leaves out and nulls only what may be missing', () => {
    expect(values('income')).toContain(null);
    expect(values('age')).not.toContain(null);
    expect(rows.every((row) => Object.hasOwn(row, 'age'))).toBe(true);
  });

  it('tries numbers that float32 holds and numbers that it does not', () => {
    const incomes = [...values('income')].filter((value) => typeof value === 'number');
    expect(incomes.some((value) => Math.fround(value) !== value)).toBe(true);
    expect(incomes.some((value) => Math.fround(value) === value && value % 1 !== 0)).toBe(true);
    expect(incomes.some((value) => value !== 40.5 && Math.abs(value - 40.5) < 1e-10)).toBe(true);
  });

  it('stays within bounds, and goes to them', () => {
    const ages = [...values('age')] as number[];
    expect(Math.min(...ages)).toBe(18);
    expect(ages.every(Number.isInteger)).toBe(true);
  });

  it('tries what is known of the inside of a model, and the numbers beside it', () => {
    const probed = sample(SIGNATURE, SEEN, { income: [123.456], city: ['Bonn'] });
    const incomes = probed.map((row) => row['income']);
    expect(incomes).toContain(123.456);
    expect(incomes).toContain(Math.fround(123.456));
    expect(incomes.some((value) => typeof value === 'number' && value > 123.456 && value < 123.4561)).toBe(
      true,
    );
    expect(probed.map((row) => row['city'])).toContain('Bonn');
  });

  it('makes rows of nothing where none was seen', () => {
    const alone = sample(SIGNATURE, []);
    expect(alone).toHaveLength(1_000);
    expect(alone.every(compileRecordCheck(SIGNATURE).fits)).toBe(true);
  });

  it('keeps the shapes of arrays, and leaves parameters as they are', () => {
    const signature = aSignature([
      { ...aField('vector'), shape: [3] },
      aField('top_k', 'int64', { required: false, param: { default: 5 } }),
    ]);
    const made = sampleRows(signature, [{ vector: [1, 2, 3] }], { count: 50, seed: 1 });
    expect(made).toHaveLength(50);
    expect(made.every((row) => !Object.hasOwn(row, 'top_k'))).toBe(true);
  });
});
