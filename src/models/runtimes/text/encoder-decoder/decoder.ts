/** The scores that a decoder gives every token of its vocabulary, one row after the other. May be changed. */
export interface StepScores {
  readonly scores: Float32Array;
  readonly vocabulary: number;
}

/** A decoder under way on some rows, each with what it has read so far. */
export interface Decoder {
  /** Scores of the tokens that may follow; `tokens` has the last of each row. */
  step(tokens: readonly number[]): Promise<StepScores>;
  /** Goes on with these of its rows, in this order; a row may be there several times or not at all. */
  select(rows: readonly number[]): void;
}

/** An answer as tokens, without the decoder's start and with its end. */
export interface Answer {
  readonly tokens: readonly number[];
  /** False of one that was stopped before its end. */
  readonly ended: boolean;
  /** Log-probability, by the length penalty; null of a greedy one. */
  readonly score: number | null;
}
