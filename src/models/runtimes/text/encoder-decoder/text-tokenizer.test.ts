import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../kernel/json.ts';
import { TextTokenizer } from './text-tokenizer.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../../../../test/text/fixtures');
const END = 1;

function read<Value>(model: string, file: string): Value {
  return JSON.parse(readFileSync(path.join(FIXTURES, model, file), 'utf8'));
}

function open(
  model: string,
  prefix = '',
  change: (file: JsonObject) => JsonObject = (file) => file,
): TextTokenizer {
  const tokenizer = change(read<JsonObject>(model, 'tokenizer.json'));
  const settings = read<JsonObject>(model, 'tokenizer_config.json');
  return new TextTokenizer(
    new Tokenizer(tokenizer, settings),
    { tokenizer, settings },
    { longest: 64, prefix, end: END },
  );
}

describe('TextTokenizer', () => {
  it.each(read<{ text: string; ids: number[] }[]>('nllb', 'expected.json'))(
    'frames a text with its language as Python does for NLLB: $text',
    ({ text, ids }) => {
      expect(open('nllb').encode(text).ids).toEqual(ids);
    },
  );

  it('finds the token of a language to write', () => {
    const { tgt_lang } = read<JsonObject>('nllb', 'tokenizer_config.json');
    expect(open('nllb').tokenOf(tgt_lang)).toBe(3);
    expect(open('nllb').tokenOf('tlh_Latn')).toBeNull();
  });

  it('counts what the vocabulary does not have', () => {
    expect(open('marian').encode('hello 漢 world 字').unknownTokens).toBe(2);
    expect(open('marian').encode('hello world').unknownTokens).toBe(0);
  });

  it('cuts a long text, and keeps its end', () => {
    const { ids, truncated } = open('marian').encode('hello '.repeat(200));
    expect([ids.length, ids.at(-1), truncated]).toEqual([64, END, true]);
  });

  it('puts the prefix of a task before a text', () => {
    expect(open('t5', 'how are ').encode('you').ids).toEqual(open('t5').encode('how are you').ids);
  });

  it("puts Marian's name of a language before a text as one token", () => {
    const named = open('marian', '', (file) => {
      const model = file['model'] as JsonObject;
      const vocab = model['vocab'] as readonly (readonly [string, number])[];
      return { ...file, model: { ...model, vocab: [...vocab, ['>>hin<<', -20]] } };
    });
    const { length } = (read<JsonObject>('marian', 'tokenizer.json')['model'] as JsonObject)[
      'vocab'
    ] as unknown[];
    expect(named.encode('>>hin<< hello').ids).toEqual([length, ...named.encode('hello').ids]);
    expect(named.encode('>>tlh<< hello').ids.length).toBeGreaterThan(named.encode('hello').ids.length + 1);
  });

  it('makes text of tokens, without those that only frame it and those that it does not have', () => {
    const tokenizer = open('marian');
    const { ids } = tokenizer.encode('नमस्ते दुनिया');
    expect(tokenizer.decode([0, ...ids, 99_999])).toBe('नमस्ते दुनिया');
    expect(tokenizer.decode([])).toBe('');
  });
});
