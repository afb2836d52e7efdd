import { readFile } from 'node:fs/promises';
import { AppError, messageOf } from '../../../../kernel/errors.ts';
import {
  BrokenEngineError,
  type SentenceListener,
  type SentenceTranslation,
  type TextEngine,
  type TextSettings,
} from '../text-engine.ts';
import { type MarianFiles, readMarianConfig } from '../text-model-files.ts';
import {
  type AlignedMemory,
  type BergamotModule,
  type BlockingService,
  type Deletable,
  startBergamot,
} from './bergamot-module.ts';
import { type MarianOptions, marianOptions } from './marian-options.ts';
import { SentencePieces } from './sentence-pieces.ts';

/** What the weights, the shortlist and a vocabulary must be aligned to, in bytes. */
const MODEL_ALIGNMENT = 256;
const ALIGNMENT = 64;

/** A Marian model of the Firefox translation family, run by Bergamot's WebAssembly module on the calling thread. */
export class MarianEngine implements TextEngine {
  readonly batchSentences = 16;
  readonly #module: BergamotModule;
  readonly #service: BlockingService;
  readonly #model: Deletable;
  readonly #source: SentencePieces;
  readonly #target: SentencePieces;
  readonly #options: MarianOptions;

  private constructor(
    module: BergamotModule,
    model: Deletable,
    pieces: readonly SentencePieces[],
    options: MarianOptions,
  ) {
    this.#module = module;
    this.#service = new module.BlockingService({ cacheSize: 0 });
    this.#model = model;
    this.#source = pieces[0] as SentencePieces;
    this.#target = pieces.at(-1) as SentencePieces;
    this.#options = options;
  }

  /** Paths are those of files on this machine. */
  static async open(files: MarianFiles, settings: TextSettings): Promise<MarianEngine> {
    const [model, shortlist, config, ...vocabularies] = await Promise.all([
      readFile(files.model),
      files.shortlist === null ? new Uint8Array() : readFile(files.shortlist),
      files.config === null ? '' : readFile(files.config, 'utf8'),
      ...files.vocabularies.map((file) => readFile(file)),
    ]);
    const pieces = vocabularies.map((vocabulary) => new SentencePieces(vocabulary));
    const options = marianOptions(readMarianConfig(config), files.model, settings);
    const module = await startBergamot();
    try {
      const list = new module.AlignedMemoryList();
      for (const vocabulary of vocabularies) list.push_back(aligned(module, vocabulary, ALIGNMENT));
      const translationModel = new module.TranslationModel(
        options.document,
        aligned(module, model, MODEL_ALIGNMENT),
        aligned(module, shortlist, ALIGNMENT),
        list,
        null,
      );
      const engine = new MarianEngine(module, translationModel, pieces, options);
      await engine.translate(['.'], {
        isWanted: () => true,
        wantsPieces: () => false,
        onPiece: () => undefined,
      });
      return engine;
    } catch (error) {
      throw new AppError(
        'MODEL_UNREADABLE',
        `Bergamot cannot load the Marian model: its weights must be of eight bits (intgemm), and its vocabulary and shortlist made for them (${messageOf(error)})`,
        { cause: error },
      );
    }
  }

  async translate(
    sentences: readonly string[],
    listener: SentenceListener,
  ): Promise<readonly SentenceTranslation[]> {
    // Bergamot cuts what is too long too, and loses the space there.
    const parts = sentences.map((sentence, place) =>
      listener.isWanted(place) ? this.#source.cut(sentence, this.#options.longestPiece) : [],
    );
    const texts = this.#translateAll(parts.flat());
    let taken = 0;
    return sentences.map((sentence, place) => {
      const own = texts.slice(taken, taken + (parts[place]?.length ?? 0));
      taken += own.length;
      const text = own.map((part) => part.trim()).join(' ');
      if (listener.wantsPieces(place)) listener.onPiece(place, text);
      return this.#translationOf(sentence, text);
    });
  }

  async release(): Promise<void> {
    this.#model.delete();
    this.#service.delete();
  }

  #translateAll(sentences: readonly string[]): readonly string[] {
    const texts = new this.#module.VectorString();
    const options = new this.#module.VectorResponseOptions();
    for (const sentence of sentences) {
      texts.push_back(sentence);
      options.push_back({ alignment: false, html: false, qualityScores: false });
    }
    try {
      const responses = this.#service.translate(this.#model, texts, options);
      const translated = sentences.map((_, place) => {
        const response = responses.get(place);
        const text = response.getTranslatedText();
        response.delete();
        return text;
      });
      for (const used of [responses, texts, options]) used.delete();
      return translated;
    } catch (error) {
      throw new BrokenEngineError(`Bergamot: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Tokens with the end of each text, which the model reads and writes too. Those of the answer are counted in its text. */
  #translationOf(sentence: string, text: string): SentenceTranslation {
    const source = this.#source.count(sentence);
    const target = this.#target.count(text);
    const inputTokens = source.tokens + 1;
    return {
      text,
      inputTokens,
      unknownTokens: source.unknown,
      outputTokens: target.tokens + 1,
      truncated: target.tokens >= Math.floor(inputTokens * this.#options.lengthFactor),
    };
  }
}

function aligned(module: BergamotModule, content: Uint8Array, alignment: number): AlignedMemory {
  const memory = new module.AlignedMemory(content.byteLength, alignment);
  memory.getByteArrayView().set(content);
  return memory;
}
