import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { AppError } from '../../../../kernel/errors.ts';

/** How many tokens a text has, and how many of them the vocabulary does not know. */
export interface PieceCount {
  readonly tokens: number;
  readonly unknown: number;
}

/** Fields of sentencepiece_model.proto. */
const PIECES = 1;
const PIECE_TEXT = 1;
const PIECE_SCORE = 2;
const PIECE_TYPE = 3;
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const UNUSED = 5;
/** How much worse than the worst piece an unknown character is, in SentencePiece. */
const UNKNOWN_PENALTY = 10;
const SPACE = '\u2581';

/**
 * Counts tokens as SentencePiece cuts a text with a unigram vocabulary, which Marian's are: into the pieces whose scores
 * have the greatest sum. Bergamot does so too and does not say how many there were.
 */
export class SentencePieces {
  readonly #scores: ReadonlyMap<string, number>;
  readonly #longest: number;
  readonly #unknownScore: number;

  /** `model` is an .spm file. MODEL_UNREADABLE when it is none. */
  constructor(model: Uint8Array) {
    const scores = new Map<string, number>();
    for (const { text, score, type } of readPieces(model))
      if (type !== UNKNOWN && type !== CONTROL && type !== UNUSED) scores.set(text, score);
    if (scores.size === 0) throw noVocabulary();
    this.#scores = scores;
    let longest = 0;
    let worst = 0;
    for (const [text, score] of scores) {
      longest = Math.max(longest, text.length);
      worst = Math.min(worst, score);
    }
    this.#longest = longest;
    this.#unknownScore = worst - UNKNOWN_PENALTY;
  }

  count(text: string): PieceCount {
    const plain = text
      .normalize('NFKC')
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim();
    if (plain === '') return { tokens: 0, unknown: 0 };
    return this.#bestCut(SPACE + plain.replaceAll(' ', SPACE));
  }

  /** Cuts a text between words into parts of so many tokens at the most; a longer word is a part by itself. */
  cut(text: string, longest: number): readonly string[] {
    const parts: string[] = [];
    let left = 0;
    for (const word of text.split(/\s+/u)) {
      const { tokens } = this.count(word);
      if (parts.length === 0 || tokens > left) {
        parts.push(word);
        left = longest;
      } else parts[parts.length - 1] += ` ${word}`;
      left -= tokens;
    }
    return parts;
  }

  #bestCut(text: string): PieceCount {
    const best = new Float64Array(text.length + 1).fill(Number.NEGATIVE_INFINITY);
    const from = new Int32Array(text.length + 1);
    const isUnknown = new Uint8Array(text.length + 1);
    best[0] = 0;
    for (let start = 0; start < text.length; start += 1) {
      const before = best[start] as number;
      if (before === Number.NEGATIVE_INFINITY) continue;
      const reach = (end: number, score: number, unknown: boolean): void => {
        if (before + score <= (best[end] as number)) return;
        best[end] = before + score;
        from[end] = start;
        isUnknown[end] = Number(unknown);
      };
      const last = Math.min(text.length, start + this.#longest);
      for (let end = start + 1; end <= last; end += 1) {
        const score = this.#scores.get(text.slice(start, end));
        if (score !== undefined) reach(end, score, false);
      }
      const units = (text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1;
      reach(Math.min(start + units, text.length), this.#unknownScore, true);
    }
    let tokens = 0;
    let unknown = 0;
    for (let end = text.length; end > 0; end = from[end] as number) {
      // Unknown characters in a row are one token.
      const previous = from[end] as number;
      if (isUnknown[end] === 1 && previous > 0 && isUnknown[previous] === 1) continue;
      tokens += 1;
      unknown += isUnknown[end] as number;
    }
    return { tokens, unknown };
  }
}

interface Piece {
  readonly text: string;
  readonly score: number;
  readonly type: number;
}

function readPieces(model: Uint8Array): readonly Piece[] {
  const pieces: Piece[] = [];
  try {
    const reader = new BinaryReader(model);
    while (reader.pos < reader.len) {
      const [field, wire] = reader.tag();
      if (field === PIECES && wire === WireType.LengthDelimited) pieces.push(readPiece(reader.bytes()));
      else reader.skip(wire, field);
    }
  } catch (error) {
    throw noVocabulary(error);
  }
  return pieces;
}

function readPiece(message: Uint8Array): Piece {
  const reader = new BinaryReader(message);
  let text = '';
  let score = 0;
  let type = NORMAL;
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === PIECE_TEXT) text = reader.string();
    else if (field === PIECE_SCORE) score = reader.float();
    else if (field === PIECE_TYPE) type = reader.int32();
    else reader.skip(wire, field);
  }
  return { text, score, type };
}

function noVocabulary(cause?: unknown): AppError {
  return new AppError('MODEL_UNREADABLE', 'The vocabulary (.spm) is no SentencePiece model', { cause });
}
