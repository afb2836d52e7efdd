import { setImmediate as nextTurn } from 'node:timers/promises';
import { joinSentences, type SplitText, splitSentences } from './sentences.ts';
import type { SentenceTranslation, TextEngine } from './text-engine.ts';

/** A text and what is known of it; counts are in tokens of the model. */
export interface TextAnswer {
  readonly text: string;
  readonly inputTokens: number;
  readonly unknownTokens: number;
  readonly outputTokens: number;
  readonly truncated: boolean;
}

/** Told of the pieces of an answer, which together are the text. */
export type OnPiece = (piece: string) => void;

/** One text that is being translated. */
class Job {
  readonly split: SplitText;
  readonly #onPiece: OnPiece | null;
  readonly #signal: AbortSignal | null;
  readonly #translations: (SentenceTranslation | undefined)[];
  /** Sentences that were given to the engine. */
  taken = 0;
  #done = 0;
  /** The sentence whose pieces are handed on; those of later ones wait. */
  #current = 0;
  readonly #waiting: string[];
  readonly resolve: (answer: TextAnswer) => void;
  readonly reject: (error: unknown) => void;

  constructor(
    text: string,
    listener: { readonly onPiece: OnPiece | null; readonly signal: AbortSignal | null },
    settle: Pick<Job, 'resolve' | 'reject'>,
  ) {
    this.split = splitSentences(text);
    this.#onPiece = listener.onPiece;
    this.#signal = listener.signal;
    this.#translations = new Array(this.split.sentences.length);
    this.#waiting = this.split.sentences.map(() => '');
    this.resolve = settle.resolve;
    this.reject = settle.reject;
  }

  get isWanted(): boolean {
    return this.#signal?.aborted !== true;
  }

  get wantsPieces(): boolean {
    return this.#onPiece !== null;
  }

  get isDone(): boolean {
    return this.#done === this.#translations.length;
  }

  get hasMore(): boolean {
    return this.taken < this.#translations.length;
  }

  piece(sentence: number, piece: string): void {
    if (sentence === this.#current) this.#hand(piece);
    else this.#waiting[sentence] += piece;
  }

  finish(sentence: number, translation: SentenceTranslation): void {
    this.#translations[sentence] = translation;
    this.#done += 1;
    while (this.#current < this.#translations.length && this.#translations[this.#current] !== undefined) {
      this.#current += 1;
      this.#hand((this.split.between[this.#current] ?? '') + (this.#waiting[this.#current] ?? ''));
    }
  }

  answer(): TextAnswer {
    const translations = this.#translations.filter((each) => each !== undefined);
    const sum = (count: (each: SentenceTranslation) => number): number =>
      translations.reduce((total, each) => total + count(each), 0);
    return {
      text: joinSentences(
        this.split,
        translations.map(({ text }) => text),
      ),
      inputTokens: sum(({ inputTokens }) => inputTokens),
      unknownTokens: sum(({ unknownTokens }) => unknownTokens),
      outputTokens: sum(({ outputTokens }) => outputTokens),
      truncated: this.split.cut || translations.some(({ truncated }) => truncated),
    };
  }

  #hand(piece: string): void {
    if (piece !== '' && this.isWanted) this.#onPiece?.(piece);
  }
}

/**
 * Translates texts sentence by sentence, those of several texts together. Each text gives one sentence in its turn until
 * a batch is full, so that a short text does not wait for a long one.
 */
export class TranslationQueue {
  readonly #engine: TextEngine;
  #jobs: Job[] = [];
  #isWorking = false;

  constructor(engine: TextEngine) {
    this.#engine = engine;
  }

  /** Rejects with the reason of `signal` when that is aborted, and with what the engine throws. */
  translate(
    text: string,
    onPiece: OnPiece | null = null,
    signal: AbortSignal | null = null,
  ): Promise<TextAnswer> {
    return new Promise((resolve, reject) => {
      const job = new Job(text, { onPiece, signal }, { resolve, reject });
      if (job.isDone) {
        resolve(job.answer());
        return;
      }
      this.#jobs.push(job);
      void this.#work();
      signal?.addEventListener('abort', () => this.#drop(job, signal.reason), { once: true });
    });
  }

  #drop(job: Job, reason: unknown): void {
    this.#jobs = this.#jobs.filter((each) => each !== job);
    job.reject(reason);
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    // What else arrived in this turn goes along.
    await nextTurn();
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      await this.#translateBatch(batch);
      await nextTurn();
    }
    this.#isWorking = false;
  }

  async #translateBatch(batch: readonly Sentence[]): Promise<void> {
    try {
      const translations = await this.#engine.translate(
        batch.map(({ job, place }) => job.split.sentences[place] as string),
        {
          isWanted: (index) => batch[index]?.job.isWanted === true,
          wantsPieces: (index) => batch[index]?.job.wantsPieces === true,
          onPiece: (index, piece) => batch[index]?.job.piece(batch[index].place, piece),
        },
      );
      batch.forEach(({ job, place }, index) => {
        job.finish(place, translations[index] as SentenceTranslation);
        if (!job.isDone || !this.#jobs.includes(job)) return;
        this.#jobs = this.#jobs.filter((each) => each !== job);
        job.resolve(job.answer());
      });
    } catch (error) {
      for (const { job } of batch) this.#drop(job, error);
    }
  }

  /** One sentence of each text in turn. The texts that gave less than the others come first the next time. */
  #take(): readonly Sentence[] {
    const batch: Sentence[] = [];
    while (batch.length < this.#engine.batchSentences) {
      const job = this.#jobs.find(({ hasMore }) => hasMore);
      if (job === undefined) break;
      batch.push({ job, place: job.taken });
      job.taken += 1;
      this.#jobs = [...this.#jobs.filter((each) => each !== job), job];
    }
    return batch;
  }
}

interface Sentence {
  readonly job: Job;
  readonly place: number;
}
