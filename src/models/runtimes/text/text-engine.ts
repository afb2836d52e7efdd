/** What became of one sentence. */
export interface SentenceTranslation {
  readonly text: string;
  readonly inputTokens: number;
  /** Tokens of the sentence that the vocabulary does not have. */
  readonly unknownTokens: number;
  readonly outputTokens: number;
  /** Whether the model was given less than the sentence, or was stopped before the end of its answer. */
  readonly truncated: boolean;
}

/** Who waits for sentences that are translated together, each by its place among them. */
export interface SentenceListener {
  /** Asked between steps; a sentence that nobody wants any more ends where it is. */
  isWanted(place: number): boolean;
  /** Whether pieces of a sentence are listened to. */
  wantsPieces(place: number): boolean;
  /** A piece of the translation that follows those before it, where the engine has it sooner than the whole. */
  onPiece(place: number, piece: string): void;
}

/** A model of texts in memory. */
export interface TextEngine {
  /** Sentences translated together at the most. */
  readonly batchSentences: number;
  /**
   * Translates sentences, one answer each, in order. Sentences are well-formed, trimmed, not empty and without line breaks.
   * One call at a time.
   */
  translate(
    sentences: readonly string[],
    listener: SentenceListener,
  ): Promise<readonly SentenceTranslation[]>;
  /** Gives memory back. */
  release(): Promise<void>;
}

/** An engine that can do nothing more: only a new one can. */
export class BrokenEngineError extends Error {}

/** How a model is to translate, beside what its own files say. */
export interface TextSettings {
  /** Threads of one step. */
  readonly threads: number;
  /** Null for what the model says itself. */
  readonly beams: number | null;
  /** Longest translation of a sentence. */
  readonly maxOutputTokens: number;
}
