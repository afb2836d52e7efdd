import { describe, expect, it } from 'vitest';
import { aField, aSignature } from '../../../../test/support/serving-fakes.ts';
import type { OutputSpec } from '../../signature.ts';
import { parseMlmodel, writeMlmodel } from './mlmodel.ts';

function mlmodel(lines: string): string {
  return `flavors:\n  onnx:\n    data: model.onnx\n  python_function:\n    loader_module: mlflow.onnx\n${lines}`;
}

function inputs(json: string): string {
  return mlmodel(`signature:\n  inputs: '${json}'\n`);
}

describe('parseMlmodel', () => {
  it('reads a file with flavors alone', () => {
    expect(parseMlmodel(mlmodel(''))).toEqual({
      format: 'onnx',
      entry: 'model.onnx',
      flavor: 'onnx',
      declared: { inputs: null, outputs: null, params: [], task: null, labels: null, positiveLabel: null },
      declaration: {
        metadata: {},
        name: null,
        semver: null,
        outcome: { task: null, labels: null, positiveLabel: null },
      },
    });
  });

  it('reads columns, with the string that MLflow folds over lines', () => {
    const text = mlmodel(
      'signature:\n  inputs: \'[{"type": "double", "name": "age", "required": false}, {"type": "string",\n    "name": "city"}]\'\n  outputs: null\n  params: null\n',
    );
    expect(parseMlmodel(text).declared.inputs).toEqual([
      { name: 'age', type: 'double', required: false, shape: null },
      { name: 'city', type: 'string', required: true, shape: null },
    ]);
  });

  it('reads tensors, named and not', () => {
    expect(
      parseMlmodel(inputs('[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}]'))
        .declared.inputs,
    ).toEqual([{ name: null, type: 'float32', required: true, shape: [-1, 4] }]);
    expect(
      parseMlmodel(
        inputs('[{"name": "a", "type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'),
      ).declared.inputs?.[0],
    ).toMatchObject({ name: 'a', type: 'int64', shape: [-1] });
  });

  it('reads what the author declared', () => {
    const read = parseMlmodel(
      mlmodel(
        "metadata:\n  name: sales\n  version: 'v1.2.0'\n  task: classification\n  labels: [low, high]\n  positive_label: high\n  metrics: {auc: 0.9}\n",
      ),
    );
    expect(read.declaration).toMatchObject({
      name: 'sales',
      semver: '1.2.0',
      metadata: { metrics: { auc: 0.9 } },
    });
    expect(read.declared).toMatchObject({
      task: 'classification',
      labels: ['low', 'high'],
      positiveLabel: 'high',
    });
  });

  it('keeps the labels when the version is a YAML number', () => {
    const text = mlmodel(
      'metadata:\n  name: sales\n  version: 1.0\n  task: classification\n  labels: [low, high]\n',
    );
    let labels: unknown = 'refused';
    try {
      labels = parseMlmodel(text).declared.labels;
    } catch (error) {
      expect(error).toMatchObject({ code: 'MODEL_UNREADABLE', message: expect.stringContaining('version') });
    }
    expect(labels).not.toBeNull();
  });

  it.each([
    ['nothing', '', 'MODEL_UNREADABLE'],
    ['a list', '- a', 'MODEL_UNREADABLE'],
    ['what is not YAML', 'a: [', 'MODEL_UNREADABLE'],
    ['an alias bomb', `a: &a [x]\nb: [${'*a,'.repeat(50)}]\nflavors: {onnx: {}}`, 'MODEL_UNREADABLE'],
    ['other flavors', 'flavors:\n  sklearn: {}\n', 'MODEL_UNSUPPORTED'],
    ['inputs that are not JSON', inputs('[{'), 'MODEL_UNREADABLE'],
    ['inputs of another form', inputs('[{"name": "a"}]'), 'MODEL_UNREADABLE'],
  ])('refuses %s', (_, text, code) => {
    expect(() => parseMlmodel(text)).toThrow(expect.objectContaining({ code }));
  });

  it('names the flavors that it cannot serve', () => {
    expect(() => parseMlmodel('flavors:\n  sklearn: {}\n  spark: {}\n')).toThrow(
      'The model has the flavors sklearn, spark',
    );
  });

  it.each([
    ['python', 'flavors:\n  python_function: {}\n  sklearn: {}\n', 'MLmodel', 'sklearn'],
    ['python', 'flavors:\n  python_function: {}\n', 'MLmodel', 'python_function'],
    ['text', 'flavors:\n  huggingface_onnx: {}\n', 'config.json', 'huggingface_onnx'],
    ['onnx', 'flavors:\n  python_function: {}\n  onnx: {data: a.onnx}\n', 'a.onnx', 'onnx'],
  ])('knows a model that is %s', (format, text, entry, flavor) => {
    expect(parseMlmodel(text)).toMatchObject({ format, entry, flavor });
  });

  it('reads the parameters of a signature with their defaults', () => {
    const text = mlmodel(
      `signature:\n  params: '[{"name": "top", "type": "long", "default": 3, "shape": null}, {"name": "words", "type": "string", "default": ["a"], "shape": [-1]}]'\n`,
    );
    expect(parseMlmodel(text).declared.params).toEqual([
      { name: 'top', type: 'long', default: 3, shape: null },
      { name: 'words', type: 'string', default: ['a'], shape: [-1] },
    ]);
  });
});

describe('writeMlmodel', () => {
  it('writes what parseMlmodel reads, with the types of the labels', () => {
    for (const labels of [
      ['1', 'true', 'no', 'é: #'],
      [0, 1, -1],
      [false, true],
    ]) {
      const output: OutputSpec = { task: 'classification', labels, hasProbabilities: true, positive: null };
      const text = writeMlmodel(
        { format: 'onnx', entry: 'sub/model.onnx', flavor: 'onnx' },
        aSignature([aField('a')], output),
      );
      const read = parseMlmodel(text);
      expect(read.entry).toBe('sub/model.onnx');
      expect(read.declared).toMatchObject({
        inputs: null,
        task: 'classification',
        labels,
        positiveLabel: null,
      });
    }
  });

  it('declares no labels where there are none', () => {
    const read = parseMlmodel(
      writeMlmodel({ format: 'onnx', entry: 'model.onnx', flavor: 'onnx' }, aSignature()),
    );
    expect(read.declared.labels).toBeNull();
    expect(read.declaration.metadata).toEqual({ task: 'regression', fields: ['x'] });
  });

  it.each(['python', 'text', 'remote'] as const)('keeps what a %s model is', (format) => {
    const recognised = { format, entry: 'model.joblib', flavor: 'joblib' };
    expect(parseMlmodel(writeMlmodel(recognised, aSignature()))).toMatchObject(recognised);
  });
});
