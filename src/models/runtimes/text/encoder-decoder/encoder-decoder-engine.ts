import { readFile } from 'node:fs/promises';
import { AppError, messageOf } from '../../../../kernel/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../../kernel/json.ts';
import { importOptional } from '../optional-package.ts';
import type { SentenceListener, SentenceTranslation, TextEngine, TextSettings } from '../text-engine.ts';
import type { EncoderDecoderFiles } from '../text-model-files.ts';
import { beamSearch } from './beam-search.ts';
import type { Answer } from './decoder.ts';
import { type GenerationSettings, generationSettings } from './generation-settings.ts';
import { EncoderDecoderGraphs } from './graphs.ts';
import { greedySearch } from './greedy-search.ts';
import { SettledText } from './settled-text.ts';
import { type EncodedSentence, TextTokenizer, type TokenizerFiles } from './text-tokenizer.ts';

/** Rows of a decoder at a time: more would keep short sentences waiting for long ones. */
const ROWS = 32;
/** Tokens of a sentence where no file of the model says how many it takes. */
const LONGEST_SENTENCE = 512;
const NOTHING_SAID: JsonObject = {};
/** Models of many languages, which must be told which one to write. */
const MULTILINGUAL: readonly JsonValue[] = ['m2m_100', 'mbart'];

/** An encoder–decoder model in the layout of Hugging Face's ONNX exporters. */
export class EncoderDecoderEngine implements TextEngine {
  readonly batchSentences: number;
  readonly #graphs: EncoderDecoderGraphs;
  readonly #tokenizer: TextTokenizer;
  readonly #settings: GenerationSettings;

  private constructor(graphs: EncoderDecoderGraphs, tokenizer: TextTokenizer, settings: GenerationSettings) {
    this.#graphs = graphs;
    this.#tokenizer = tokenizer;
    this.#settings = settings;
    this.batchSentences = Math.max(1, Math.floor(ROWS / settings.beams));
  }

  /** Paths are those of files on this machine. */
  static async open(files: EncoderDecoderFiles, wanted: TextSettings): Promise<EncoderDecoderEngine> {
    const [config, generation, tokenizerFile, tokenizerSettings] = await Promise.all([
      readJson(files.config),
      files.generationConfig === null ? null : readJson(files.generationConfig),
      readJson(files.tokenizer),
      files.tokenizerConfig === null ? NOTHING_SAID : readJson(files.tokenizerConfig),
    ]);
    const positions = positiveOf(config['max_position_embeddings']);
    const settings = generationSettings(config, generation, {
      beams: wanted.beams,
      maxTokens: wanted.maxOutputTokens,
      positions,
    });
    const tokenizer = await openTokenizer(
      { tokenizer: tokenizerFile, settings: tokenizerSettings },
      {
        longest: Math.min(
          positions ?? positiveOf(config['n_positions']) ?? LONGEST_SENTENCE,
          positiveOf(tokenizerSettings['model_max_length']) ?? LONGEST_SENTENCE,
        ),
        prefix: prefixOf(config),
        end: settings.ends[0] as number,
      },
    );
    const forcedStart = settings.forcedStart ?? tokenizer.tokenOf(tokenizerSettings['tgt_lang']);
    if (forcedStart === null && MULTILINGUAL.includes(config['model_type'] ?? null))
      throw new AppError(
        'MODEL_UNSUPPORTED',
        'The model writes many languages: name the one to translate into, as "tgt_lang" in tokenizer_config.json or "forced_bos_token_id" in generation_config.json',
      );
    const graphs = await EncoderDecoderGraphs.open(files, wanted.threads);
    return new EncoderDecoderEngine(graphs, tokenizer, { ...settings, forcedStart });
  }

  async translate(
    sentences: readonly string[],
    listener: SentenceListener,
  ): Promise<readonly SentenceTranslation[]> {
    const encoded = sentences.map((sentence) => this.#tokenizer.encode(sentence));
    const { beams, pad } = this.#settings;
    const decoder = await this.#graphs.encode(
      encoded.map(({ ids }) => ids),
      pad,
      beams,
    );
    const pieces = encoded.map((_, place) => (listener.wantsPieces(place) ? new SettledText() : null));
    const show = (place: number, piece: string | undefined): void => {
      if (piece !== undefined && piece !== '') listener.onPiece(place, piece);
    };
    const isWanted = (place: number): boolean => listener.isWanted(place);
    const answers =
      beams > 1
        ? await beamSearch(decoder, sentences.length, this.#settings, isWanted)
        : await greedySearch(decoder, sentences.length, this.#settings, {
            isWanted,
            onTokens: (place, row) => {
              const settled = pieces[place];
              if (settled) show(place, settled.grow(this.#tokenizer.decode(row.slice(1))));
            },
          });
    return answers.map((answer, place) => {
      const translation = this.#translationOf(encoded[place] as EncodedSentence, answer);
      show(place, pieces[place]?.finish(translation.text));
      return translation;
    });
  }

  async release(): Promise<void> {
    await this.#graphs.release();
  }

  #translationOf(source: EncodedSentence, answer: Answer): SentenceTranslation {
    return {
      text: this.#tokenizer.decode(answer.tokens),
      inputTokens: source.ids.length,
      unknownTokens: source.unknownTokens,
      outputTokens: answer.tokens.length,
      truncated: source.truncated || !answer.ended,
    };
  }
}

async function openTokenizer(
  files: TokenizerFiles,
  options: ConstructorParameters<typeof TextTokenizer>[2],
): Promise<TextTokenizer> {
  const { Tokenizer } = await importOptional(
    '@huggingface/tokenizers',
    () => import('@huggingface/tokenizers'),
  );
  try {
    return new TextTokenizer(new Tokenizer(files.tokenizer, files.settings), files, options);
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `tokenizer.json: ${messageOf(error)}`, { cause: error });
  }
}

/** What T5 is told before a text, where its settings know one task only. */
function prefixOf(config: JsonObject): string {
  if (typeof config['prefix'] === 'string') return config['prefix'];
  const tasks = config['task_specific_params'];
  if (!isJsonObject(tasks)) return '';
  const prefixes = Object.values(tasks).flatMap((task) =>
    isJsonObject(task) && typeof task['prefix'] === 'string' ? [task['prefix']] : [],
  );
  return prefixes.length === 1 ? (prefixes[0] as string) : '';
}

/** A size that is one; some files say "none" with a number that no text reaches. */
function positiveOf(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && value > 0 && value < 1e6 ? value : null;
}

async function readJson(file: string): Promise<JsonObject> {
  const name = file.slice(file.lastIndexOf('/') + 1);
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (isJsonObject(value)) return value;
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `${name} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  throw new AppError('MODEL_UNREADABLE', `${name} is no JSON object`);
}
