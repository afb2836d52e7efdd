import { describe, expect, it } from 'vitest';
import { textModelFiles } from './text-model-files.ts';

const CONFIG = '{"is_encoder_decoder": true}';

function files(names: readonly string[], contents: Readonly<Record<string, string>> = {}) {
  return new Map(names.map((name) => [name, Buffer.from(contents[name] ?? CONFIG)] as const));
}

function graphs(names: readonly string[], folder = ''): readonly (string | null)[] {
  const all = ['config.json', 'tokenizer.json', ...names].map((name) => folder + name);
  const found = textModelFiles(`${folder}config.json`, files(all));
  return found.engine === 'encoder-decoder' ? [found.encoder, found.decoder, found.decoderWithPast] : [];
}

describe('textModelFiles: encoder–decoders', () => {
  const [encoder, decoder, merged, past] = [
    'onnx/encoder_model.onnx',
    'onnx/decoder_model.onnx',
    'onnx/decoder_model_merged.onnx',
    'onnx/decoder_with_past_model.onnx',
  ];

  it('prefers the merged decoder, then the two, then the one', () => {
    expect(graphs([encoder, decoder, merged, past])).toEqual([encoder, merged, null]);
    expect(graphs([encoder, decoder, past])).toEqual([encoder, decoder, past]);
    expect(graphs([encoder, decoder])).toEqual([encoder, decoder, null]);
  });

  it('finds graphs beside config.json, and below the folder of a model', () => {
    expect(graphs(['encoder_model.onnx', 'decoder_model.onnx'])).toEqual([
      'encoder_model.onnx',
      'decoder_model.onnx',
      null,
    ]);
    expect(graphs([encoder, merged], 'data/')).toEqual([`data/${encoder}`, `data/${merged}`, null]);
  });

  it('takes all graphs of one precision', () => {
    const quantized = ['onnx/encoder_model_quantized.onnx', 'onnx/decoder_model_merged_quantized.onnx'];
    expect(graphs(quantized)).toEqual([...quantized, null]);
    expect(graphs([...quantized, encoder, merged])).toEqual([encoder, merged, null]);
    const other = ['onnx/encoder_model_bnb4.onnx', 'onnx/decoder_model_merged_bnb4.onnx'];
    expect(graphs([...other, ...quantized])).toEqual([...quantized, null]);
    expect(graphs(other)).toEqual([...other, null]);
    expect(() => graphs([quantized[0] ?? '', merged])).toThrow('onnx/decoder_model_merged_quantized.onnx');
  });
});

describe('textModelFiles: Marian models', () => {
  const found = (names: readonly string[], contents: Readonly<Record<string, string>> = {}) =>
    textModelFiles(names[0] ?? '', files(names, contents));

  it('finds weights, shortlist and vocabularies by their names, that of the source first', () => {
    const names = [
      'model.enhi.intgemm8.bin',
      'trgvocab.enhi.spm',
      'srcvocab.enhi.spm',
      'lex.50.50.enhi.s2t.bin',
    ];
    expect(found(names)).toEqual({
      engine: 'marian',
      model: 'model.enhi.intgemm8.bin',
      vocabularies: ['srcvocab.enhi.spm', 'trgvocab.enhi.spm'],
      shortlist: 'lex.50.50.enhi.s2t.bin',
      config: null,
    });
  });

  it("takes what Marian's settings name", () => {
    const config = 'models: [b.bin]\nvocabs: [v.spm, v.spm]\nshortlist:\n  - s.bin\n  - false\n';
    expect(
      found(['a.bin', 'b.bin', 's.bin', 'v.spm', 'w.spm', 'config.yml'], { 'config.yml': config }),
    ).toEqual({
      engine: 'marian',
      model: 'b.bin',
      vocabularies: ['v.spm'],
      shortlist: 's.bin',
      config: 'config.yml',
    });
  });

  it('leaves other settings alone, and refuses those that are no YAML', () => {
    expect(found(['m.bin', 'v.spm', 'conda.yaml'], { 'conda.yaml': 'dependencies: []' })).toMatchObject({
      config: null,
    });
    expect(() => found(['m.bin', 'v.spm', 'config.yml'], { 'config.yml': 'models: [\n' })).toThrow(
      'settings',
    );
  });

  it('says what to do with weights of 32 bits', () => {
    expect(() => found(['model.npz', 'vocab.spm'])).toThrow('marian-conv -f model.npz');
  });
});
