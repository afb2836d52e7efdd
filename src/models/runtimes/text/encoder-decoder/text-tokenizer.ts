import { toUSVString } from 'node:util';
import type { Tokenizer } from '@huggingface/tokenizers';
import type { JsonObject } from '../../../../kernel/json.ts';

/** A sentence as the encoder takes it. */
export interface EncodedSentence {
  readonly ids: readonly number[];
  readonly unknownTokens: number;
  /** Whether the sentence has more tokens than the encoder takes. */
  readonly truncated: boolean;
}

export interface TokenizerOptions {
  /** Tokens that the encoder takes, the framing ones among them. */
  readonly longest: number;
  /** Before each sentence, as T5 is told what to do and Marian which language to write. */
  readonly prefix: string;
  readonly end: number;
}

/** No token stands for more of a text than this, so that what lies beyond needs no look. */
const UNITS_PER_TOKEN = 64;
/** Marian's name of a language to write, before the text. */
const LANGUAGE = /^(>>[^<>]{1,40}<<)\s*/;

/** Texts to tokens of one model and back, by its tokenizer.json. */
export class TextTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #options: TokenizerOptions;
  readonly #unknown: number | null;
  /** The token that NLLB puts before a text of the language that its settings name. */
  readonly #sourceLanguage: number | null;

  constructor(tokenizer: Tokenizer, files: TokenizerFiles, options: TokenizerOptions) {
    this.#tokenizer = tokenizer;
    this.#options = options;
    this.#unknown = unknownOf(tokenizer, files.tokenizer);
    const { tokenizer_class, src_lang } = files.settings;
    this.#sourceLanguage = String(tokenizer_class).startsWith('Nllb') ? this.tokenOf(src_lang) : null;
  }

  /** The token of a name; null when the vocabulary has none. */
  tokenOf(name: unknown): number | null {
    return typeof name === 'string' ? (this.#tokenizer.token_to_id(name) ?? null) : null;
  }

  encode(sentence: string): EncodedSentence {
    const { longest, prefix, end } = this.#options;
    const text = toUSVString((prefix + sentence).slice(0, longest * UNITS_PER_TOKEN));
    const ids = this.#framed(text);
    const kept = ids.length <= longest ? ids : [...ids.slice(0, longest - 1), end];
    const unknownTokens = kept.filter((id) => id === this.#unknown).length;
    return { ids: kept, unknownTokens, truncated: ids.length > longest };
  }

  /** The text of an answer, without what only marks its beginning and end. */
  decode(ids: readonly number[]): string {
    const known = ids.filter((id) => this.#tokenizer.id_to_token(id) !== undefined);
    return known.length === 0 ? '' : this.#tokenizer.decode(known, { skip_special_tokens: true }).trim();
  }

  #framed(text: string): readonly number[] {
    const language = this.tokenOf(LANGUAGE.exec(text)?.[1]);
    if (language !== null) return [language, ...this.#tokenizer.encode(text.replace(LANGUAGE, '')).ids];
    if (this.#sourceLanguage === null) return this.#tokenizer.encode(text).ids;
    const { ids } = this.#tokenizer.encode(text, { add_special_tokens: false });
    return [this.#sourceLanguage, ...ids, this.#options.end];
  }
}

/** tokenizer.json and tokenizer_config.json. */
export interface TokenizerFiles {
  readonly tokenizer: JsonObject;
  readonly settings: JsonObject;
}

function unknownOf(tokenizer: Tokenizer, file: JsonObject): number | null {
  const model = file['model'] as JsonObject | undefined;
  if (typeof model?.['unk_id'] === 'number') return model['unk_id'];
  const token = model?.['unk_token'];
  return typeof token === 'string' ? (tokenizer.token_to_id(token) ?? null) : null;
}
