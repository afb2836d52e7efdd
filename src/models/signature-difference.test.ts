import { describe, expect, it } from 'vitest';
import { aField, aSignature } from '../../test/support/serving-fakes.ts';
import type { OutputSpec, Signature } from './signature.ts';
import { breakOf, differenceOf } from './signature-difference.ts';

const LABELLED = {
  task: 'classification',
  labels: ['low', 'high'],
  positive: null,
  hasProbabilities: true,
} as const satisfies OutputSpec;
const BEFORE = aSignature(
  [aField('a'), aField('b', 'string', { required: false, nullable: true })],
  LABELLED,
);

function changed(change: Partial<Signature>): Signature {
  return { ...BEFORE, ...change };
}

describe('breakOf', () => {
  it.each<[string, Partial<Signature>, string]>([
    ['a field is gone', { fields: [aField('a')] }, 'it has no field "b"'],
    [
      'a field is needed that nobody sends',
      { fields: [...BEFORE.fields, aField('c')] },
      'it needs a new field "c"',
    ],
    ['a type changes', { fields: [aField('a', 'string'), ...BEFORE.fields.slice(1)] }, 'its field "a" is'],
    [
      'a shape changes',
      { fields: [aField('a', 'float32', { shape: [2] }), ...BEFORE.fields.slice(1)] },
      'its field "a" is',
    ],
    [
      'null is no longer taken',
      { fields: [aField('a'), aField('b', 'string', { required: false })] },
      'its field "b" no longer takes null',
    ],
    [
      'a field may no longer be left out',
      { fields: [aField('a'), aField('b', 'string', { nullable: true })] },
      'its field "b" is required now',
    ],
    ['the task changes', { output: { task: 'regression' } }, 'it answers a regression'],
    ['a label is new', { output: { ...LABELLED, labels: ['low', 'mid', 'high'] } }, 'its labels are'],
    ['there are no probabilities', { output: { ...LABELLED, hasProbabilities: false } }, 'no probabilities'],
  ])('says so when %s', (_what, change, reason) => {
    expect(breakOf(BEFORE, changed(change))).toContain(reason);
  });

  it.each<[string, Partial<Signature>]>([
    ['nothing', {}],
    ['the order of fields that are named', { fields: [...BEFORE.fields].reverse() }],
    ['the order of labels', { output: { ...LABELLED, labels: ['high', 'low'] } }],
    ['bounds', { fields: [aField('a', 'float32', { minimum: 3 }), ...BEFORE.fields.slice(1)] }],
    [
      'a new field that may be left out',
      { fields: [...BEFORE.fields, aField('c', 'float32', { required: false })] },
    ],
  ])('takes a change of %s', (_what, change) => {
    expect(breakOf(BEFORE, changed(change))).toBeNull();
  });

  it('knows that rows sent as lists depend on the order', () => {
    const listed = changed({ acceptsArray: true });
    expect(breakOf(listed, { ...listed, fields: [...BEFORE.fields].reverse() })).toContain('another order');
  });
});

describe('differenceOf', () => {
  it('is null for what was written and read again', () => {
    expect(differenceOf(JSON.parse(JSON.stringify(BEFORE)) as Signature, BEFORE)).toBeNull();
  });

  it.each<[Partial<Signature>, string]>([
    [{ fields: [aField('x'), ...BEFORE.fields.slice(1)] }, 'its field 1 "a" is not the same'],
    [{ fields: [...BEFORE.fields, aField('c')] }, 'it had 2 fields and has 3'],
    [
      { output: { ...LABELLED, labels: ['high', 'low'] } },
      'its labels were ["low","high"] and are ["high","low"]',
    ],
    [{ output: { ...LABELLED, hasProbabilities: false } }, 'its probabilities'],
    [{ output: { task: 'regression' } }, 'its output'],
    [{ acceptsArray: true }, 'the form of a row'],
  ])('names %j', (change, text) => {
    expect(differenceOf(BEFORE, changed(change))).toContain(text);
  });
});
