import { describe, expect, it } from 'vitest';
import { aSignature } from '../../../test/support/serving-fakes.ts';
import type { FieldProblem } from '../../kernel/errors.ts';
import type { RowOutput } from '../../models/runtimes/runtime.ts';
import type { OutputSpec, OutputTensorSpec } from '../../models/signature.ts';
import { compileOutputTensors } from './output-tensors.ts';
import type { RequestedOutput } from './protocol.ts';

const LABEL: OutputTensorSpec = { name: 'label', type: 'string', shape: [], holds: { is: 'prediction' } };
const SCORES: OutputTensorSpec = {
  name: 'probabilities',
  type: 'float32',
  shape: [3],
  holds: { is: 'probabilities' },
};
const CLASSES: OutputSpec = {
  task: 'classification',
  labels: ['cat', 'dog', 'eel'],
  hasProbabilities: true,
  positive: null,
};
const ROWS: readonly RowOutput[] = [
  { prediction: 'dog', probabilities: new Float32Array([0.25, 0.5, 0.25]) },
  { prediction: 'eel', probabilities: new Float32Array([0, 0.1, 0.9]) },
];

function answer(
  outputs: readonly OutputTensorSpec[],
  rows: readonly RowOutput[],
  requested: readonly RequestedOutput[] | null = null,
  output: OutputSpec = CLASSES,
) {
  const compiled = compileOutputTensors({ ...aSignature([], output), tensors: { matrix: null, outputs } });
  const problems: FieldProblem[] = [];
  const wanted = compiled.select(requested, problems);
  return { tensors: problems.length > 0 ? null : compiled.tensorsOf(rows, wanted), problems };
}

const asked = (name: string, classification?: number | string): RequestedOutput => ({
  name,
  parameters: classification === undefined ? {} : { classification },
});

describe('output tensors', () => {
  it('are those of the graph, in its order', () => {
    expect(answer([LABEL, SCORES], ROWS).tensors).toEqual([
      { name: 'label', datatype: 'BYTES', shape: [2], data: ['dog', 'eel'] },
      {
        name: 'probabilities',
        datatype: 'FP32',
        shape: [2, 3],
        data: new Float32Array([0.25, 0.5, 0.25, 0, 0.1, 0.9]),
      },
    ]);
  });

  it('are the requested ones in the order of the request', () => {
    const { tensors } = answer([LABEL, SCORES], ROWS, [asked('probabilities'), asked('label')]);
    expect(tensors?.map(({ name }) => name)).toEqual(['probabilities', 'label']);
  });

  it('are refused by name', () => {
    const { problems } = answer([LABEL, SCORES], ROWS, [
      asked('probabilities', 0),
      asked('other'),
      asked('label', 2),
      asked('label'),
    ]);
    expect(problems.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'probabilities takes a classification of 1 or more classes',
      'other is not an output of this model',
      'label has no numbers to classify by',
      'label is asked for twice',
    ]);
  });

  it('hold one probability each where the graph has a tensor a class', () => {
    const one = (name: string, place: number): OutputTensorSpec => ({
      name,
      type: 'float32',
      shape: [1],
      holds: { is: 'probability', place },
    });
    const { tensors } = answer([one('cat', 0), one('eel', 2)], ROWS);
    expect(tensors?.map(({ shape, data }) => [shape, data])).toEqual([
      [[2, 1], new Float32Array([0.25, 0])],
      [[2, 1], new Float32Array([0.25, 0.9])],
    ]);
  });

  it('hold members and arrays, with NaN where the answer says null', () => {
    const member = (name: string, type: 'float64' | 'int64' | 'bool', shape: readonly number[]) =>
      ({ name, type, shape, holds: { is: 'member' } }) as const;
    const rows = [
      {
        prediction: {
          grid: [
            [1, null],
            [3, 4],
          ],
          count: 7,
          ok: true,
        },
        probabilities: null,
      },
    ];
    const specs = [
      member('grid', 'float64', [2, -1]),
      member('count', 'int64', [-1]),
      member('ok', 'bool', []),
    ];
    expect(answer(specs, rows, null, { task: 'generic', outputs: [] }).tensors).toEqual([
      { name: 'grid', datatype: 'FP64', shape: [1, 2, 2], data: new Float64Array([1, Number.NaN, 3, 4]) },
      { name: 'count', datatype: 'INT64', shape: [1, 1], data: [7] },
      { name: 'ok', datatype: 'BOOL', shape: [1], data: [true] },
    ]);
  });
});

describe('an output that is wider than the graph says', () => {
  it('is answered as it is', () => {
    const outputs: readonly OutputTensorSpec[] = [
      { name: 'y', type: 'float32', shape: [1], holds: { is: 'prediction' } },
    ];
    const rows = [{ prediction: [1, 2], probabilities: null }];
    expect(answer(outputs, rows, null, { task: 'regression' }).tensors).toEqual([
      { name: 'y', datatype: 'FP32', shape: [1, 2], data: new Float32Array([1, 2]) },
    ]);
  });
});

describe('the classification extension', () => {
  it('answers the greatest values with place and label, as Triton writes them', () => {
    expect(answer([SCORES], ROWS, [asked('probabilities', 2)]).tensors).toEqual([
      {
        name: 'probabilities',
        datatype: 'BYTES',
        shape: [2, 2],
        data: ['0.500000:1:dog', '0.250000:0:cat', '0.900000:2:eel', '0.100000:1:dog'],
      },
    ]);
  });

  it('answers no more classes than there are, and no label where there is none', () => {
    const outputs: readonly OutputTensorSpec[] = [
      { name: 'y', type: 'int32', shape: [2], holds: { is: 'prediction' } },
    ];
    const rows = [{ prediction: [3, 8], probabilities: null }];
    const { tensors } = answer(outputs, rows, [asked('y', 9)], { task: 'generic', outputs: [] });
    expect(tensors).toEqual([{ name: 'y', datatype: 'BYTES', shape: [1, 2], data: ['8:1', '3:0'] }]);
  });
});
