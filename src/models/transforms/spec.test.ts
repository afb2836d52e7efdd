import { describe, expect, it } from 'vitest';
import type { AppError } from '../../kernel/errors.ts';
import { documentText } from './document-text.ts';
import { fingerprintOf } from './fingerprint.ts';
import { documentOf, parseTransform } from './spec.ts';

const FIELDS = [
  { name: 'income', type: 'number', unit: 'EUR', minimum: 0, required: false },
  { name: 'debt', type: 'number' },
  { name: 'grade', type: 'string' },
  { name: 'applied_at', type: 'datetime' },
  { name: 'employed', type: 'boolean', default: false },
];
const OUTPUTS = [
  {
    name: 'income',
    from: 'income',
    steps: [
      { op: 'impute', with: 'median' },
      { op: 'log1p' },
      { op: 'impute', with: 0 },
      { op: 'standardise' },
    ],
  },
  { name: 'grade', from: 'grade', steps: [{ op: 'one_hot', unknown: 'zeros' }] },
  { name: 'share', from: ['debt', 'income'], steps: [{ op: 'ratio' }], missing: 'nan' },
  { name: 'employed', from: 'employed' },
  { name: 'month', from: 'applied_at', steps: [{ op: 'month' }, { op: 'cyclical', period: 12 }] },
];
const aDocument = (change: object = {}) => ({
  schema: 'slipway.transform/1',
  fields: FIELDS,
  outputs: OUTPUTS,
  ...change,
});

function problemsOf(document: unknown): string[] {
  try {
    parseTransform(document);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'TRANSFORM_INVALID' });
    return (error as AppError).problems.map(({ path, message }) => `${path} ${message}`);
  }
}

const output = (change: object) =>
  problemsOf(aDocument({ outputs: [{ name: 'x', from: 'debt', ...change }] }));

describe('parseTransform', () => {
  it('reads a document, and writes one that reads the same', () => {
    const spec = parseTransform(aDocument());
    expect(spec.outputs.map(({ name, from }) => [name, from])).toEqual([
      ['income', [0]],
      ['grade', [2]],
      ['share', [1, 0]],
      ['employed', [4]],
      ['month', [3]],
    ]);
    expect(parseTransform(JSON.parse(JSON.stringify(documentOf(spec))))).toEqual(spec);
    expect(JSON.parse(documentText(spec))).toEqual(JSON.parse(JSON.stringify(documentOf(spec))));
  });

  it.each([
    ['an unknown schema', aDocument({ schema: 'slipway.transform/9' }), /^schema /],
    ['an unknown key', aDocument({ extra: 1 }), /extra/],
    ['no outputs', aDocument({ outputs: [] }), /^outputs /],
    [
      'a field twice',
      aDocument({ fields: [...FIELDS, FIELDS[1]] }),
      /^fields\[5\].name "debt" is there twice/,
    ],
    [
      'an output twice',
      aDocument({ outputs: [OUTPUTS[3], OUTPUTS[3]] }),
      /^outputs\[1\].name "employed" is there twice/,
    ],
    [
      'a default of another type',
      aDocument({ fields: [...FIELDS, { name: 'a', type: 'number', default: '1' }] }),
      /must be a number/,
    ],
  ])('refuses %s', (_, document, problem) => {
    expect(problemsOf(document).join('\n')).toMatch(problem);
  });

  it.each([
    ['a field that is not there', { from: 'nothing' }, 'outputs[0].from "nothing" is not a field'],
    [
      'an operation that is not there',
      { steps: [{ op: 'sqrt' }] },
      'outputs[0].steps[0].op "sqrt" is not an operation',
    ],
    ['an option of another operation', { steps: [{ op: 'log1p', period: 3 }] }, 'period'],
    [
      'what learns nothing with something learnt',
      { steps: [{ op: 'log1p', fitted: {} }] },
      'log1p learns nothing',
    ],
    [
      'what was learnt in another form',
      { steps: [{ op: 'standardise', fitted: { mean: 1 } }] },
      'outputs[0].steps[0].fitted.scale',
    ],
    [
      'categories without a value each',
      {
        from: 'grade',
        steps: [{ op: 'frequency', fitted: { categories: ['a', 'b'], values: [1] } }],
      },
      'categories and values are not of one length',
    ],
    ['a step for texts on a number', { steps: [{ op: 'one_hot' }] }, 'one_hot takes a text'],
    [
      'a step behind a vector',
      { steps: [{ op: 'cyclical', period: 7 }, { op: 'log1p' }] },
      'log1p takes a number',
    ],
    ['a pair without a step for pairs', { from: ['debt', 'debt'] }, 'two fields need a step'],
    ['a step for pairs on one value', { steps: [{ op: 'ratio' }] }, 'ratio takes two values, here are 1'],
    ['a text as a column', { from: 'grade' }, 'ends as a text'],
    ['a time as a column', { from: 'applied_at' }, 'ends as a time'],
    ['a missing value without a rule', { from: 'income' }, 'may be missing, and nothing says what then'],
    ['a logarithm that may be none', { steps: [{ op: 'log1p' }] }, 'may be missing'],
    [
      'a refusal of categories that no caller sent',
      { from: 'grade', steps: [{ op: 'lowercase' }, { op: 'one_hot' }] },
      'say unknown: other or zeros',
    ],
    ['bins by both', { steps: [{ op: 'bin', bins: 3, edges: [1] }] }, 'give edges or bins'],
  ])('refuses %s', (_, change, problem) => {
    expect(output(change).join('\n')).toContain(problem);
  });

  const POSITIVE = { name: 'debt', type: 'number', minimum: 0 };
  it.each([
    ['of a field with a bound', POSITIVE, [{ op: 'log1p' }], true],
    ['of the logarithm of one', POSITIVE, [{ op: 'log1p' }, { op: 'log1p' }], true],
    [
      'of what is clipped',
      { name: 'debt', type: 'number' },
      [{ op: 'clip', min: -0.5 }, { op: 'log1p' }],
      true,
    ],
    ['of a bound that is too low', { ...POSITIVE, minimum: -1 }, [{ op: 'log1p' }], false],
    ['of a default below the bound', { ...POSITIVE, default: -2 }, [{ op: 'log1p' }], false],
    [
      'of what is imputed',
      { ...POSITIVE, required: false },
      [{ op: 'impute', with: 'median' }, { op: 'log1p' }],
      true,
    ],
    [
      'of what is imputed below the bound',
      { ...POSITIVE, required: false },
      [{ op: 'impute', with: -3 }, { op: 'log1p' }],
      false,
    ],
    ['of what was standardised', POSITIVE, [{ op: 'standardise' }, { op: 'log1p' }], false],
  ])('follows how low a number can be: a logarithm %s', (_, field, steps, isSafe) => {
    const document = {
      schema: 'slipway.transform/1',
      fields: [field],
      outputs: [{ name: 'x', from: 'debt', steps }],
    };
    const refusal = expect(() => parseTransform(document));
    if (isSafe) refusal.not.toThrow();
    else refusal.toThrow('may be missing');
  });

  it('names everything that is wrong at once', () => {
    const outputs = [
      { name: 'a', from: 'nothing' },
      { name: 'b', from: 'debt', steps: [{ op: 'sqrt' }, { op: 'clip', min: 2, max: 1 }] },
    ];
    expect(problemsOf(aDocument({ outputs }))).toHaveLength(3);
  });
});

describe('fingerprintOf', () => {
  it('is the same for the same transform, however its keys are ordered', () => {
    const spec = parseTransform(aDocument());
    const turned = Object.fromEntries(Object.entries(aDocument()).reverse());
    expect(fingerprintOf(parseTransform(turned))).toBe(fingerprintOf(spec));
    expect(fingerprintOf(spec)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['an option', { outputs: [{ ...OUTPUTS[1], steps: [{ op: 'one_hot', unknown: 'other' }] }] }],
    ['the order of outputs', { outputs: [...OUTPUTS].reverse() }],
    ['a name', { outputs: [{ ...OUTPUTS[3], name: 'works' }] }],
  ])('changes with %s', (_, change) => {
    expect(fingerprintOf(parseTransform(aDocument(change)))).not.toBe(
      fingerprintOf(parseTransform(aDocument())),
    );
  });
});
