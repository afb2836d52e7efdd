import type { JsonObject, JsonValue } from '../../../../kernel/json.ts';
import type { TextSettings } from '../text-engine.ts';

/** How Bergamot is to run a model. */
export interface MarianOptions {
  /** The document that the module takes. */
  readonly document: string;
  /** Tokens of a text that Bergamot translates at a time, the end not counted. */
  readonly longestPiece: number;
  /** Tokens of an answer for each of a sentence, at the most. */
  readonly lengthFactor: number;
}

/** Tokens of a piece that is translated at a time; Firefox has the same. */
const LONGEST_PIECE = 128;
const LENGTH_FACTOR = 2;

/**
 * From the model's own settings, of which only those that say how to decode are taken: paths and sizes of memory are
 * ours. A piece is never so long that its translation could pass the longest answer.
 */
export function marianOptions(
  config: JsonObject,
  modelName: string,
  { beams, maxOutputTokens }: Pick<TextSettings, 'beams' | 'maxOutputTokens'>,
): MarianOptions {
  const lengthFactor = Math.max(numberOf(config['max-length-factor']) ?? LENGTH_FACTOR, 1);
  const longestPiece = Math.max(1, Math.min(LONGEST_PIECE, Math.floor(maxOutputTokens / lengthFactor)));
  const options: Record<string, number | string | boolean> = {
    'beam-size': beams ?? numberOf(config['beam-size']) ?? 1,
    normalize: numberOf(config['normalize']) ?? 1,
    'word-penalty': numberOf(config['word-penalty']) ?? 0,
    'gemm-precision': precisionOf(modelName),
    'max-length-factor': lengthFactor,
    'max-length-break': longestPiece,
    'ssplit-mode': 'sentence',
    'mini-batch-words': 1024,
    workspace: 128,
    'cpu-threads': 0,
    'skip-cost': true,
    alignment: 'soft',
    quiet: true,
    'quiet-translation': true,
  };
  const lines = Object.entries(options).map(([name, value]) => `${name}: ${value}\n`);
  return { document: lines.join(''), longestPiece: Math.max(1, longestPiece - 1), lengthFactor };
}

/** Names of files are what tells apart weights with scales of their own (`alphas`); so does Firefox. */
function precisionOf(modelName: string): string {
  return modelName.endsWith('intgemm8.bin') ? 'int8shiftAll' : 'int8shiftAlphaAll';
}

function numberOf(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
