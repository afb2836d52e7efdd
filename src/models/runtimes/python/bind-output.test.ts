import { expect, it } from 'vitest';
import type { DeclaredModel } from '../runtime.ts';
import { bindOutput } from './bind-output.ts';
import type { WorkerFacts } from './workers/messages.ts';

const FACTS: WorkerFacts = {
  kind: 'sklearn',
  executes_code: true,
  inputs: null,
  width: 1,
  task: null,
  labels: null,
  has_probabilities: false,
  packages: {},
  warnings: [],
};

function bind(declared: Partial<DeclaredModel>, facts: Partial<WorkerFacts>) {
  const nothing = { inputs: null, outputs: null, params: [], task: null, labels: null, positiveLabel: null };
  return bindOutput({ ...nothing, ...declared }, { ...FACTS, ...facts });
}

it('is a classifier with the labels of its library, the greater of two numbers being positive', () => {
  expect(bind({}, { task: 'classification', labels: [0, 1], has_probabilities: true })).toEqual({
    output: { task: 'classification', labels: [0, 1], hasProbabilities: true, positive: 1 },
    tensors: [
      { name: 'prediction', type: 'int64', shape: [], holds: { is: 'prediction' } },
      { name: 'probabilities', type: 'float64', shape: [2], holds: { is: 'probabilities' } },
    ],
    renamed: null,
  });
});

it('calls classes what their author declares', () => {
  const { output, renamed, tensors } = bind(
    { task: 'classification', labels: ['bad', 'good'], positiveLabel: 'bad' },
    { task: 'classification', labels: [0, 1] },
  );
  expect(output).toMatchObject({ labels: ['bad', 'good'], positive: 'bad' });
  expect(renamed).toEqual(
    new Map([
      [0, 'bad'],
      [1, 'good'],
    ]),
  );
  expect(tensors).toEqual([{ name: 'prediction', type: 'string', shape: [], holds: { is: 'prediction' } }]);
});

it('refuses labels that are not as many as the classes', () => {
  expect(() => bind({ labels: ['a'] }, { task: 'classification', labels: [0, 1] })).toThrow(
    expect.objectContaining({
      code: 'SIGNATURE_MISMATCH',
      message: '1 labels are declared, the model has 2 classes',
    }),
  );
});

it('takes the declared task before that of the library', () => {
  expect(bind({ task: 'regression' }, { task: 'classification' }).output).toEqual({ task: 'regression' });
  expect(bind({}, { task: 'text' }).output).toEqual({ task: 'text' });
});

it('has the declared outputs as members, or any value where there are none', () => {
  const outputs = [
    { name: 'mean', type: 'double', required: true, shape: null },
    { name: 'parts', type: 'float32', required: true, shape: [-1, 3] },
  ];
  expect(bind({ outputs }, {}).tensors).toEqual([
    { name: 'mean', type: 'float64', shape: [], holds: { is: 'member' } },
    { name: 'parts', type: 'float32', shape: [3], holds: { is: 'member' } },
  ]);
  expect(bind({}, {}).output).toEqual({
    task: 'generic',
    outputs: [{ name: 'prediction', type: 'string', shape: [] }],
  });
});
