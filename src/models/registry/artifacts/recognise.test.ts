import { describe, expect, it } from 'vitest';
import { recogniseDirectory, recogniseFile } from './recognise.ts';

describe('recogniseFile', () => {
  it.each([
    ['model.onnx', '', 'onnx', 'onnx'],
    ['model.pkl', '', 'python', 'pickle'],
    ['MODEL.Joblib', '', 'python', 'joblib'],
    ['model.skops', '', 'python', 'skops'],
    ['model.ubj', '', 'python', 'xgboost_native'],
    ['model.json', '{"learner":{"attributes"', 'python', 'xgboost_native'],
    ['model.txt', 'tree\nversion=v4\n', 'python', 'lightgbm_native'],
    ['remote.json', '{"url":"http://host"}', 'remote', 'remote'],
  ])('knows %s', (name, head, format, flavor) => {
    expect(recogniseFile(name, head)).toEqual({ format, entry: name, flavor });
  });

  it.each([
    ['metrics.json', '{"accuracy": 0.9}'],
    ['notes.txt', 'a tree\n'],
    ['README.md', ''],
  ])('does not take %s for a model', (name, head) => {
    expect(recogniseFile(name, head)).toBeNull();
  });
});

describe('recogniseDirectory', () => {
  function recognise(...names: string[]): unknown {
    return recogniseDirectory('./folder', names, () => '');
  }

  it('takes the model among what a notebook leaves', () => {
    expect(
      recognise(
        'delivery_model.pkl',
        'scaler.pkl',
        'label_encoders.pkl',
        'feature_names.json',
        'requirements.txt',
      ),
    ).toMatchObject({ format: 'python', entry: 'delivery_model.pkl' });
  });

  it('takes the one that is called model where there are several', () => {
    expect(recognise('model.joblib', 'model_old.joblib')).toMatchObject({ entry: 'model.joblib' });
  });

  it('names all that could be the model', () => {
    expect(() => recognise('a.pkl', 'b.pkl')).toThrow('several files that could be the model: a.pkl, b.pkl');
  });

  it('takes a graph before a pickle of the same model', () => {
    expect(recognise('model.onnx', 'model.pkl')).toMatchObject({ format: 'onnx', entry: 'model.onnx' });
  });

  it.each([
    [
      ['config.json', 'tokenizer.json', 'onnx/encoder_model.onnx', 'onnx/decoder_model_merged.onnx'],
      'huggingface_onnx',
    ],
    [['config.json', 'encoder_model_quantized.onnx', 'decoder_model_quantized.onnx'], 'huggingface_onnx'],
    [['model.enpt.intgemm.alphas.bin', 'lex.50.50.enpt.s2t.bin', 'vocab.enpt.spm'], 'marian'],
  ])('knows the text model %j', (names, flavor) => {
    expect(recognise(...names)).toMatchObject({ format: 'text', flavor });
  });

  it('takes the weights of Marian and not the shortlist for the model', () => {
    expect(recognise('lex.bin', 'model.bin', 'vocab.spm')).toMatchObject({ entry: 'model.bin' });
  });

  it('says what it looked for', () => {
    expect(() => recognise('data.csv')).toThrow('./folder has no model that Slipway knows');
  });
});
