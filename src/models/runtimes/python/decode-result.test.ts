import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../kernel/json.ts';
import type { OutputSpec } from '../../signature.ts';
import { decodeResult, type ResultPlan } from './decode-result.ts';
import { ProtocolViolation } from './workers/frames.ts';

const CLASSES: OutputSpec = {
  task: 'classification',
  labels: ['no', 'yes'],
  hasProbabilities: true,
  positive: null,
};
const REGRESSION: OutputSpec = { task: 'regression' };

function doubles(...numbers: number[]): Buffer {
  return Buffer.from(new Float64Array(numbers).buffer);
}

function decode(
  header: JsonObject,
  body: Buffer,
  rows: number,
  output: OutputSpec,
  renamed: ResultPlan['renamed'] = null,
) {
  // Off by one byte, as frames lie in what was read.
  const anywhere = Buffer.concat([Buffer.alloc(1), body]).subarray(1);
  return decodeResult({ header, body: anywhere }, rows, { output, renamed });
}

describe('a result', () => {
  it('of numbers is one number a row, null where JSON has none', () => {
    const outputs = decode(
      { prediction: { offset: 8, bytes: 24 } },
      doubles(9, 1, Number.NaN, -0.5),
      3,
      REGRESSION,
    );
    expect(outputs).toEqual([1, null, -0.5].map((prediction) => ({ prediction, probabilities: null })));
  });

  it('of classes has the probabilities of each row, and the names that the author declares', () => {
    const header = { prediction: { values: [0, 1] }, probabilities: { offset: 0, bytes: 32, width: 2 } };
    const outputs = decode(
      header,
      doubles(0.75, 0.25, 0.5, 0.5),
      2,
      CLASSES,
      new Map([
        [0, 'no'],
        [1, 'yes'],
      ]),
    );
    expect(
      outputs.map(({ prediction, probabilities }) => [prediction, Array.from(probabilities ?? [])]),
    ).toEqual([
      ['no', [0.75, 0.25]],
      ['yes', [0.5, 0.5]],
    ]);
  });

  it.each<[string, JsonObject, OutputSpec, string]>([
    [
      'fewer predictions',
      { prediction: { values: [1] } },
      REGRESSION,
      'the model answered 1 predictions for 2 rows',
    ],
    [
      'no probabilities',
      { prediction: { values: ['no', 'yes'] } },
      CLASSES,
      'the model answered no probabilities',
    ],
    [
      'too few probabilities',
      { prediction: { values: ['no', 'yes'] }, probabilities: { offset: 0, bytes: 16, width: 2 } },
      CLASSES,
      'the model answered 2 probabilities for 2 rows of 2',
    ],
    [
      'probabilities of other labels',
      { prediction: { values: ['no', 'yes'] }, probabilities: { offset: 0, bytes: 48, width: 3 } },
      CLASSES,
      'the model has 2 labels and answered 3 probabilities a row',
    ],
    [
      'texts from a regression',
      { prediction: { values: ['a', 'b'] } },
      REGRESSION,
      'the model is a regression',
    ],
    ['numbers for texts', { prediction: { values: [1, 2] } }, { task: 'text' }, 'the model answers texts'],
  ])('with %s fails the run', (_what, header, output, message) => {
    const act = () => decode(header, doubles(1, 2, 3, 4, 5, 6), 2, output);
    expect(act).toThrow(
      expect.objectContaining({ code: 'INFERENCE_FAILED', message: expect.stringContaining(message) }),
    );
  });

  it.each<[string, JsonObject]>([
    ['no prediction', {}],
    ['bytes past its body', { prediction: { offset: 8, bytes: 16 } }],
    ['a negative offset', { prediction: { offset: -8, bytes: 16 } }],
    ['half a number', { prediction: { offset: 0, bytes: 12 } }],
    ['no bytes', { prediction: { offset: 0 } }],
    ['a text for probabilities', { prediction: { values: [1, 2] }, probabilities: 'all' }],
  ])('with %s is a violation of the protocol', (_what, header) => {
    expect(() => decode(header, doubles(1, 2), 2, REGRESSION)).toThrow(ProtocolViolation);
  });
});
