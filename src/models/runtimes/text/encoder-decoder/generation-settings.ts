import { AppError } from '../../../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../../../kernel/json.ts';

/** How tokens are chosen, in the words of Python's `GenerationConfig`. */
export interface GenerationSettings {
  readonly decoderStart: number;
  readonly pad: number;
  /** Tokens that end an answer. */
  readonly ends: readonly number[];
  readonly beams: number;
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean | 'never';
  /** Tokens of an answer at the most, its end among them. */
  readonly maxTokens: number;
  /** Tokens before which no end is taken. */
  readonly minTokens: number;
  readonly repetitionPenalty: number;
  /** No sequence of so many tokens comes twice; 0 for any. */
  readonly noRepeatNgram: number;
  readonly badWords: readonly (readonly number[])[];
  readonly forcedStart: number | null;
  readonly forcedEnds: readonly number[];
  readonly suppressed: readonly number[];
  readonly suppressedAtStart: readonly number[];
}

/** What a caller sets over the model's own. */
export interface GenerationLimits {
  readonly beams: number | null;
  readonly maxTokens: number;
  /** Positions that the decoder has; null for any number. */
  readonly positions: number | null;
}

/** Settings that change which tokens are chosen in ways that are not served, with the value that changes nothing. */
const NOT_SERVED: Readonly<Record<string, JsonValue>> = {
  do_sample: false,
  num_beam_groups: 1,
  diversity_penalty: 0,
  penalty_alpha: 0,
  guidance_scale: 1,
  encoder_repetition_penalty: 1,
  encoder_no_repeat_ngram_size: 0,
};

/** From `generation_config.json`, or where there is none from `config.json`, as `generate` of Python's transformers does. */
export function generationSettings(
  config: JsonObject,
  generation: JsonObject | null,
  limits: GenerationLimits,
): GenerationSettings {
  const source = generation ?? config;
  refuseNotServed(source);
  const ends = tokensOf(source['eos_token_id'] ?? config['eos_token_id']);
  const decoderStart =
    tokenOf(source['decoder_start_token_id']) ??
    tokenOf(config['decoder_start_token_id']) ??
    tokenOf(source['bos_token_id'] ?? config['bos_token_id']);
  if (decoderStart === null || ends.length === 0) {
    const name = decoderStart === null ? 'decoder_start_token_id' : 'eos_token_id';
    throw new AppError(
      'MODEL_UNREADABLE',
      `Neither generation_config.json nor config.json has a ${name}: save the model with save_pretrained`,
    );
  }
  const ownLimit =
    numberOf(source['max_new_tokens']) ?? (numberOf(source['max_length']) ?? Number.POSITIVE_INFINITY) - 1;
  const early = source['early_stopping'];
  return {
    decoderStart,
    ends,
    pad: tokenOf(source['pad_token_id']) ?? tokenOf(config['pad_token_id']) ?? (ends[0] as number),
    beams: limits.beams ?? numberOf(source['num_beams']) ?? 1,
    lengthPenalty: numberOf(source['length_penalty']) ?? 1,
    earlyStopping: early === 'never' ? 'never' : early === true,
    maxTokens: Math.max(
      1,
      Math.min(ownLimit, limits.maxTokens, limits.positions ?? Number.POSITIVE_INFINITY),
    ),
    minTokens: Math.max(
      (numberOf(source['min_length']) ?? 0) - 1,
      numberOf(source['min_new_tokens']) ?? 0,
      0,
    ),
    repetitionPenalty: numberOf(source['repetition_penalty']) ?? 1,
    noRepeatNgram: numberOf(source['no_repeat_ngram_size']) ?? 0,
    badWords: sequencesOf(source['bad_words_ids']).filter(
      (word) => !(word.length === 1 && ends.includes(word[0] as number)),
    ),
    forcedStart: tokenOf(source['forced_bos_token_id']),
    forcedEnds: tokensOf(source['forced_eos_token_id']),
    suppressed: tokensOf(source['suppress_tokens']),
    suppressedAtStart: tokensOf(source['begin_suppress_tokens']),
  };
}

function refuseNotServed(source: JsonObject): void {
  for (const [name, neutral] of Object.entries(NOT_SERVED)) {
    const value = source[name] ?? neutral;
    if (value !== neutral)
      throw new AppError(
        'MODEL_UNSUPPORTED',
        `The model's settings of generation have ${name}: ${JSON.stringify(value)}, and only greedy and beam search are served: set it to ${JSON.stringify(neutral)} in generation_config.json`,
      );
  }
}

function numberOf(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function tokenOf(value: JsonValue | undefined): number | null {
  return Number.isInteger(value) ? (value as number) : null;
}

function tokensOf(value: JsonValue | undefined): readonly number[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((each): each is number => Number.isInteger(each));
}

function sequencesOf(value: JsonValue | undefined): readonly (readonly number[])[] {
  return Array.isArray(value) ? value.map((each) => tokensOf(each)).filter(({ length }) => length > 0) : [];
}
