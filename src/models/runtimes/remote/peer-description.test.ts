import { describe, expect, it } from 'vitest';
import type { DeclaredModel } from '../runtime.ts';
import {
  describePeer,
  modelConfigSchema,
  modelMetadataSchema,
  type PeerModel,
  serverMetadataSchema,
} from './peer-description.ts';

const X = { name: 'x', datatype: 'FP32', shape: [-1, 4] };
const Y = { name: 'y', datatype: 'INT64', shape: [-1] };

function describeModel(
  model: object,
  server: object = {},
  config: object | null = null,
  declared: Pick<DeclaredModel, 'inputs' | 'outputs'> = { inputs: null, outputs: null },
): PeerModel {
  return describePeer(
    'http://models/v2/models/iris',
    {
      server: serverMetadataSchema.parse({ name: 'mlserver', version: '1.7.1', extensions: [], ...server }),
      model: modelMetadataSchema.parse({ name: 'iris', platform: '', inputs: [X], outputs: [Y], ...model }),
      config: config === null ? null : modelConfigSchema.parse(config),
    },
    declared,
  );
}

describe('what a server says', () => {
  it('names itself, its tensors and how they are to be understood', () => {
    const inputs = [
      { name: 'age', datatype: 'FP64', shape: [-1, 1] },
      { name: 'city', datatype: 'BYTES', shape: ['-1', '1'], parameters: { content_type: 'str' } },
    ];
    expect(describeModel({ inputs, parameters: { content_type: 'pd' } })).toMatchObject({
      server: 'mlserver 1.7.1',
      isBinary: false,
      contentType: 'pd',
      maxRows: Number.POSITIVE_INFINITY,
      inputs: [
        { name: 'age', type: 'float64', shape: ['-1', 1], contentType: null },
        { name: 'city', type: 'string', shape: ['-1', 1], contentType: 'str' },
      ],
    });
  });

  it('bounds the rows of a request, and says whether contents go as bytes', () => {
    const triton = { extensions: ['binary_tensor_data', 'model_configuration'] };
    expect(describeModel({}, triton, { max_batch_size: 8 })).toMatchObject({ isBinary: true, maxRows: 8 });
    expect(describeModel({}, triton, { max_batch_size: 0 }).maxRows).toBe(Number.POSITIVE_INFINITY);
  });

  it('tells more where it is Slipway', () => {
    const properties = { task: 'classification', labels: '["a","b"]', columns: '["f","g","h","i"]' };
    expect(describeModel({ properties })).toMatchObject({
      task: 'classification',
      labels: ['a', 'b'],
      columns: ['f', 'g', 'h', 'i'],
    });
    expect(describeModel({ properties: { labels: 'no list', columns: '[1]', task: 7 } })).toMatchObject({
      task: null,
      labels: null,
      columns: null,
    });
  });

  it('is what the author declares where it says nothing of its tensors', () => {
    const columns = [
      { name: 'age', type: 'double', required: true, shape: null },
      { name: 'city', type: 'string', required: true, shape: null },
    ];
    const tensor = { name: null, type: 'int64', required: true, shape: [-1] };
    const silent = { inputs: [], outputs: null };
    expect(describeModel(silent, {}, null, { inputs: columns, outputs: [tensor] })).toMatchObject({
      contentType: 'pd',
      inputs: [
        { name: 'age', type: 'float64', shape: ['-1', 1] },
        { name: 'city', type: 'string', shape: ['-1', 1] },
      ],
      outputs: [{ name: 'output-0', type: 'int64', shape: ['-1'] }],
    });
    const matrix = { name: null, type: 'float64', required: true, shape: [-1, 4] };
    expect(describeModel(silent, {}, null, { inputs: [matrix], outputs: [tensor] })).toMatchObject({
      contentType: null,
      inputs: [{ name: 'input-0', type: 'float64', shape: ['-1', 4] }],
    });
    const unknown = [{ name: 'at', type: 'datetime', required: true, shape: null }];
    expect(() => describeModel(silent, {}, null, { inputs: unknown, outputs: [tensor] })).toThrow(
      /"at" .* is datetime/,
    );
    expect(describeModel({}, {}, null, { inputs: columns, outputs: [tensor] })).toMatchObject({
      contentType: null,
      inputs: [{ name: 'x' }],
      outputs: [{ name: 'y' }],
    });
  });

  it('may name the classes beside an output', () => {
    const scores = { name: 'predict_proba', datatype: 'FP64', shape: [-1, 2] };
    const outputs = (labels: unknown) => [Y, { ...scores, parameters: { labels } }];
    expect(describeModel({ outputs: outputs([0, 1]) }).labels).toEqual([0, 1]);
    expect(describeModel({ outputs: outputs('["no","yes"]') }).labels).toEqual(['no', 'yes']);
    expect(describeModel({ outputs: outputs({ no: 0 }) }).labels).toBeNull();
    expect(() => describeModel({ outputs: outputs([0, 1, 2]) })).toThrow(
      expect.objectContaining({
        code: 'SIGNATURE_MISMATCH',
        message: expect.stringMatching(/3 labels and scores 2/),
      }),
    );
  });

  it.each([
    [{ inputs: undefined }, /does not say what its inputs are.*model-settings\.json/],
    [{ outputs: [] }, /does not say what its outputs are/],
    [{ inputs: [{ ...X, datatype: 'BF16' }] }, /"x" .* is BF16, which is not served/],
    [{ outputs: [{ ...Y, datatype: 'JSON' }] }, /"y" .* is JSON, which is not served/],
    [{ inputs: [{ ...X, datatype: 'FP16' }] }, /FP16, which JSON has no form for/],
    [{ inputs: [{ ...X, shape: [] }] }, /is a scalar: its first axis must be the rows/],
    [{ inputs: [{ ...X, shape: [8, 4] }] }, /takes 8 rows and no other number/],
  ])('is refused where rows cannot be sent to it: %j', (model, reason) => {
    expect(() => describeModel(model)).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringMatching(reason) }),
    );
  });
});
