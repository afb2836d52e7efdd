import { describe, expect, it } from 'vitest';
import type { DeclaredInput, DeclaredModel } from '../runtime.ts';
import { bindFields } from './bind-fields.ts';
import type { WorkerFacts } from './workers/messages.ts';

const FACTS: WorkerFacts = {
  kind: 'sklearn',
  executes_code: true,
  inputs: null,
  width: null,
  task: 'generic',
  labels: null,
  has_probabilities: false,
  packages: {},
  warnings: [],
};
const DECLARED: DeclaredModel = {
  inputs: null,
  outputs: null,
  params: [],
  task: null,
  labels: null,
  positiveLabel: null,
};
const REQUIRED = { shape: [], required: true, nullable: false };

function bind(inputs: DeclaredModel['inputs'], facts: Partial<WorkerFacts> = {}) {
  return bindFields({ ...DECLARED, inputs }, { ...FACTS, ...facts });
}

function column(name: string | null, type: string, required = true): DeclaredInput {
  return { name, type, required, shape: null };
}

function tensor(name: string | null, type: string, shape: readonly number[]): DeclaredInput {
  return { name, type, required: true, shape };
}

function told(name: string, type: string, change: object = {}): NonNullable<WorkerFacts['inputs']>[number] {
  return { name, type, required: true, nullable: false, shape: [], ...change };
}

describe('the fields of a model', () => {
  it('are the columns that it names', () => {
    const inputs = [
      told('age', 'float64', { nullable: true }),
      told('city', 'string', { categories: ['Bonn', 'Ulm'] }),
      told('when', 'datetime', { required: false }),
    ];
    expect(bind(null, { inputs })).toEqual({
      columns: [
        { ...REQUIRED, name: 'age', type: 'float64', nullable: true },
        { ...REQUIRED, name: 'city', type: 'string', oneOf: ['Bonn', 'Ulm'] },
        { ...REQUIRED, name: 'when', type: 'string', format: 'date-time', required: false },
      ],
      params: [],
      acceptsArray: false,
      matrix: null,
      maxRows: Number.POSITIVE_INFINITY,
    });
  });

  it('keep the order in which their author declares them', () => {
    const declared = [column('b', 'double'), column('a', 'long')];
    const binding = bind(declared, { inputs: [told('a', 'long'), told('b', 'double', { nullable: true })] });
    expect(binding).toMatchObject({ declared: 'columns', acceptsArray: true });
    expect(binding.columns.map(({ name, type, nullable }) => [name, type, nullable])).toEqual([
      ['b', 'float64', true],
      ['a', 'int64', false],
    ]);
  });

  it('are those of a transformer beside the model, where the worker has one', () => {
    const declared = [column('made', 'double')];
    expect(bind(declared, { inputs: [told('raw', 'string')] }).columns.map(({ name }) => name)).toEqual([
      'raw',
    ]);
  });

  it.each([
    ['boolean', { type: 'bool' }],
    ['integer', { type: 'int32' }],
    ['long', { type: 'int64' }],
    ['float', { type: 'float32' }],
    ['double', { type: 'float64' }],
    ['string', { type: 'string' }],
    ['datetime', { type: 'string', format: 'date-time' }],
    ['binary', { type: 'string', description: 'base64' }],
  ])('of the declared type %s are of the type that holds it', (type, field) => {
    expect(bind([column('x', type, false)]).columns).toEqual([
      { ...REQUIRED, ...field, name: 'x', required: false, nullable: true },
    ]);
  });

  it('are numbered where nobody names them', () => {
    const fields = ['f0', 'f1'].map((name) => ({ ...REQUIRED, name, type: 'float64' }));
    expect(bind(null, { width: 2 })).toMatchObject({
      columns: fields,
      acceptsArray: true,
      matrix: { name: 'input', type: 'float64' },
    });
    expect(bind([column(null, 'double'), column(null, 'double')]).columns).toEqual(fields);
  });

  it('are those of a table of numbers that is declared as a tensor', () => {
    expect(bind([tensor(null, 'float32', [-1, 2])], { width: 2 })).toEqual({
      columns: ['f0', 'f1'].map((name) => ({ ...REQUIRED, name, type: 'float32' })),
      params: [],
      acceptsArray: true,
      matrix: { name: 'input', type: 'float32' },
      declared: 'tensors',
      maxRows: Number.POSITIVE_INFINITY,
    });
  });

  it('are arrays where tensors have more axes, or several are declared', () => {
    const several = [tensor('image', 'uint8', [-1, 2, 3]), tensor('text', 'str', [-1])];
    expect(bind(several).columns).toEqual([
      { ...REQUIRED, name: 'image', type: 'uint8', shape: [2, 3] },
      { ...REQUIRED, name: 'text', type: 'string' },
    ]);
    const shaped = bind([tensor('x', 'float32', [1, 4])], { inputs: [told('x', 'float32', { shape: [4] })] });
    expect(shaped).toMatchObject({ columns: [{ name: 'x', shape: [4] }], acceptsArray: true, maxRows: 1 });
  });

  it('have the parameters of the signature beside them', () => {
    const params = [{ name: 'beams', type: 'integer', default: [1], shape: [-1] }];
    expect(bindFields({ ...DECLARED, params }, { ...FACTS, width: 1 }).params).toEqual([
      {
        name: 'beams',
        type: 'int32',
        shape: [-1],
        required: false,
        nullable: false,
        param: { default: [1] },
      },
    ]);
  });

  it.each([
    ['nothing is known', () => bind(null), /does not tell what it takes/],
    ['a column is an object', () => bind([column('x', 'object<a>')]), /column "x" has the type "object<a>"/],
    ['a batch is fixed', () => bind([tensor('x', 'float32', [8, 4])]), /first axis to 8 rows/],
    [
      'a parameter is called as a column',
      () =>
        bindFields(
          { ...DECLARED, params: [{ name: 'f0', type: 'long', default: 1, shape: null }] },
          { ...FACTS, width: 1 },
        ),
      /"f0" is both a column and a parameter/,
    ],
  ])('are refused where %s', (_what, act, message) => {
    expect(act).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringMatching(message) }),
    );
  });
});
