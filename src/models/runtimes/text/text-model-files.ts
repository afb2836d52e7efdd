import { parse } from 'yaml';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import { isJsonObject, type JsonObject } from '../../../kernel/json.ts';

/** An encoder–decoder in ONNX, as paths. */
export interface EncoderDecoderFiles {
  readonly engine: 'encoder-decoder';
  readonly config: string;
  readonly generationConfig: string | null;
  readonly tokenizer: string;
  readonly tokenizerConfig: string | null;
  readonly encoder: string;
  /** Reads the first token, or where it is merged or there is no other, every token. */
  readonly decoder: string;
  /** Reads the tokens after the first, with what the first decoder remembers. */
  readonly decoderWithPast: string | null;
}

/** A Marian model with weights of eight bits, as paths. */
export interface MarianFiles {
  readonly engine: 'marian';
  readonly model: string;
  /** Of the source and of the target; one for both. */
  readonly vocabularies: readonly string[];
  readonly shortlist: string | null;
  /** The document that says how it decodes. */
  readonly config: string | null;
}

export type TextModelFiles = EncoderDecoderFiles | MarianFiles;

type Files = ReadonlyMap<string, Uint8Array>;

/**
 * Finds the files of a text model below the folder of `entry`. MODEL_UNREADABLE names the one that is missing,
 * MODEL_UNSUPPORTED says why the model is none of those that are served.
 */
export function textModelFiles(entry: string, files: Files): TextModelFiles {
  const folder = entry.slice(0, entry.lastIndexOf('/') + 1);
  const names = [...files.keys()].filter((name) => name.startsWith(folder));
  const config = `${folder}config.json`;
  if (names.some((name) => name.endsWith('.onnx')) || entry === config)
    return encoderDecoderFiles(folder, names, jsonOf(config, files));
  return marianFiles(folder, names, files);
}

function encoderDecoderFiles(
  folder: string,
  names: readonly string[],
  config: JsonObject,
): EncoderDecoderFiles {
  if (config['is_encoder_decoder'] !== true)
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `config.json describes no encoder–decoder ("is_encoder_decoder" is not true): of text models those that translate one text into another are served, such as Marian, T5 and NLLB`,
    );
  const path = (name: string): string | null => {
    const full = folder + name;
    return names.includes(full) ? full : null;
  };
  const tokenizer = path('tokenizer.json');
  if (tokenizer === null)
    throw new AppError(
      'MODEL_UNREADABLE',
      'The text model has no tokenizer.json beside config.json: save it with save_pretrained of a fast tokenizer (AutoTokenizer.from_pretrained(…, use_fast=True))',
    );
  const graphs = graphFiles(folder, names);
  return {
    engine: 'encoder-decoder',
    config: `${folder}config.json`,
    generationConfig: path('generation_config.json'),
    tokenizer,
    tokenizerConfig: path('tokenizer_config.json'),
    ...graphs,
  };
}

/** Endings of graphs: as they were exported, then those that processors run well. */
const PRECISIONS = ['', '_quantized', '_int8', '_uint8', '_fp16'];

/** Graphs of one precision: as they are named, or all with the same ending, such as `_quantized`. */
function graphFiles(
  folder: string,
  names: readonly string[],
): Pick<EncoderDecoderFiles, 'encoder' | 'decoder' | 'decoderWithPast'> {
  const graphs = names.filter((name) => name.endsWith('.onnx'));
  const place = graphs.some((name) => name.startsWith(`${folder}onnx/`)) ? `${folder}onnx/` : folder;
  const endings = graphs.flatMap((name) => {
    const ending = /^encoder_model((?:_\w+)?)\.onnx$/.exec(name.slice(place.length))?.[1];
    return ending === undefined ? [] : [ending];
  });
  const ending = PRECISIONS.find((known) => endings.includes(known)) ?? endings[0];
  if (ending === undefined) throw missingGraph(`${place}encoder_model.onnx`);
  const graph = (name: string): string | null => {
    const full = `${place}${name}${ending}.onnx`;
    return graphs.includes(full) ? full : null;
  };
  const encoder = `${place}encoder_model${ending}.onnx`;
  const merged = graph('decoder_model_merged');
  if (merged !== null) return { encoder, decoder: merged, decoderWithPast: null };
  const decoder = graph('decoder_model');
  if (decoder === null) throw missingGraph(`${place}decoder_model_merged${ending}.onnx`);
  return { encoder, decoder, decoderWithPast: graph('decoder_with_past_model') };
}

function missingGraph(name: string): AppError {
  return new AppError(
    'MODEL_UNREADABLE',
    `The text model has no ${name}: export it with optimum-cli export onnx --task text2text-generation-with-past`,
  );
}

function marianFiles(folder: string, names: readonly string[], files: Files): MarianFiles {
  const config = names.find((name) => /\.ya?ml$/.test(name) && isMarianConfig(files.get(name))) ?? null;
  const said = config === null ? {} : marianPaths(files.get(config) as Uint8Array);
  const named = (name: string): string => {
    const full = folder + name;
    if (names.includes(full)) return full;
    throw new AppError('MODEL_UNREADABLE', `The text model has no ${name}, which ${config} names`);
  };
  const isShortlist = (name: string): boolean => /(^|\/)[^/]*(lex|shortlist|s2t)[^/]*\.bin$/i.test(name);
  const model =
    said.model !== undefined
      ? named(said.model)
      : names.find((name) => /\.(bin|npz)$/.test(name) && !isShortlist(name));
  if (model === undefined) throw missing('weights (model.*.bin)');
  if (model.endsWith('.npz'))
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `${model} has weights of 32 bits, and Marian models are served with those of eight: marian-conv -f ${model} -t model.intgemm8.bin --gemm-type intgemm8`,
    );
  const spm = names.filter((name) => name.endsWith('.spm'));
  const vocabularies = said.vocabularies?.map(named) ?? inOrder(spm);
  if (vocabularies.length === 0) throw missing('vocabulary (vocab.*.spm)');
  const shortlist = said.shortlist === undefined ? names.find(isShortlist) : named(said.shortlist);
  return {
    engine: 'marian',
    model,
    vocabularies: [...new Set(vocabularies)].slice(0, 2),
    shortlist: shortlist ?? null,
    config,
  };
}

function missing(what: string): AppError {
  return new AppError(
    'MODEL_UNREADABLE',
    `The text model has no ${what}: a Marian model is its weights, its vocabulary and, where it has one, its shortlist (lex.*.bin)`,
  );
}

/** That of the source first. */
function inOrder(vocabularies: readonly string[]): readonly string[] {
  const isTarget = (name: string): number => Number(/(^|\/)(trg|target|tgt)/i.test(name));
  return [...vocabularies].sort((a, b) => isTarget(a) - isTarget(b));
}

interface MarianPaths {
  readonly model?: string;
  readonly vocabularies?: readonly string[];
  readonly shortlist?: string;
}

function isMarianConfig(content: Uint8Array | undefined): boolean {
  return content !== undefined && /^\s*(models|vocabs)\s*:/m.test(textOf(content));
}

function marianPaths(content: Uint8Array): MarianPaths {
  const config = readMarianConfig(textOf(content));
  const texts = (key: string): readonly string[] => {
    const value = config[key];
    return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
  };
  const [model] = texts('models');
  const vocabularies = texts('vocabs');
  const [shortlist] = texts('shortlist');
  return {
    ...(model !== undefined && { model }),
    ...(vocabularies.length > 0 && { vocabularies }),
    ...(shortlist !== undefined && { shortlist }),
  };
}

/** Marian's own document of settings; MODEL_UNREADABLE when it is no YAML. */
export function readMarianConfig(text: string): JsonObject {
  try {
    const value: unknown = parse(text);
    return isJsonObject(value) ? value : {};
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `The settings of the Marian model: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function jsonOf(name: string, files: Files): JsonObject {
  const content = files.get(name);
  if (content === undefined)
    throw new AppError('MODEL_UNREADABLE', `The text model has no ${name}, which says what its graphs are`);
  try {
    const value: unknown = JSON.parse(textOf(content));
    if (isJsonObject(value)) return value;
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `${name}: ${messageOf(error)}`, { cause: error });
  }
  throw new AppError('MODEL_UNREADABLE', `${name} is no JSON object`);
}

function textOf(content: Uint8Array): string {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8');
}
