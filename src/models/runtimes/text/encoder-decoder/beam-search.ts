import type { Answer, Decoder } from './decoder.ts';
import type { GenerationSettings } from './generation-settings.ts';
import { type TokenRule, tokenRules } from './token-rules.ts';

/** An answer that may still grow. */
interface Beam {
  /** The decoder's start first. */
  readonly tokens: readonly number[];
  readonly score: number;
}

interface Candidate {
  readonly beam: number;
  readonly token: number;
  readonly score: number;
}

/** Of the first beam all are copies, which must not be chosen beside it. */
const COPY = -1e9;

/**
 * The search of Python's transformers (`num_beams` > 1, no sampling): at each step the best continuations over all beams
 * of a sentence; one that ends is kept as an answer when it is among the best `num_beams`; a sentence is done when no
 * beam can become better than its answers. `decoder` has `beams` rows for each sentence.
 */
export async function beamSearch(
  decoder: Decoder,
  sentences: number,
  settings: GenerationSettings,
  isWanted: (sentence: number) => boolean,
): Promise<readonly Answer[]> {
  const rules = tokenRules(settings);
  const searches = Array.from({ length: sentences }, () => new SentenceSearch(settings, rules));
  let active = searches.map((_, sentence) => sentence);
  for (let count = 1; active.length > 0; count += 1) {
    const beams = active.flatMap((sentence) => (searches[sentence] as SentenceSearch).beams);
    const { scores, vocabulary } = await decoder.step(beams.map(({ tokens }) => tokens.at(-1) ?? 0));
    const rows: number[] = [];
    const left: number[] = [];
    active.forEach((sentence, place) => {
      const search = searches[sentence] as SentenceSearch;
      const first = place * settings.beams;
      const own = scores.subarray(first * vocabulary, (first + settings.beams) * vocabulary);
      const from = search.advance(own, vocabulary);
      if (search.isDone || count === settings.maxTokens || !isWanted(sentence)) return;
      rows.push(...from.map((beam) => first + beam));
      left.push(sentence);
    });
    if (left.length > 0) decoder.select(rows);
    active = left;
  }
  return searches.map((search) => search.best());
}

class SentenceSearch {
  readonly #settings: GenerationSettings;
  readonly #rules: readonly TokenRule[];
  readonly #answers: BestAnswers;
  beams: readonly Beam[];
  isDone = false;

  constructor(settings: GenerationSettings, rules: readonly TokenRule[]) {
    this.#settings = settings;
    this.#rules = rules;
    this.#answers = new BestAnswers(settings);
    this.beams = Array.from({ length: settings.beams }, (_, beam) => ({
      tokens: [settings.decoderStart],
      score: beam === 0 ? 0 : COPY,
    }));
  }

  /** Takes the scores of what follows each beam; answers with the beam that each new one continues. */
  advance(scores: Float32Array, vocabulary: number): readonly number[] {
    const { beams: width, ends } = this.#settings;
    this.beams.forEach(({ tokens }, beam) => {
      const own = scores.subarray(beam * vocabulary, (beam + 1) * vocabulary);
      toLogProbabilities(own);
      for (const rule of this.#rules) rule(tokens, own);
    });
    const candidates = bestCandidates(this.beams, scores, vocabulary, Math.max(2, 1 + ends.length) * width);
    const next: (Beam & { readonly from: number })[] = [];
    for (const [rank, { beam, token, score }] of candidates.entries()) {
      const tokens = [...(this.beams[beam] as Beam).tokens, token];
      if (!ends.includes(token)) next.push({ tokens, score, from: beam });
      else if (rank < width) this.#answers.add(tokens, score, true);
      if (next.length === width) break;
    }
    const length = (this.beams[0] as Beam).tokens.length;
    this.isDone = this.#answers.cannotImprove(candidates[0]?.score ?? COPY, length);
    this.beams = next;
    return next.map(({ from }) => from);
  }

  best(): Answer {
    if (!this.isDone) for (const { tokens, score } of this.beams) this.#answers.add(tokens, score, false);
    return this.#answers.best();
  }
}

/** The answers of a sentence so far, as many as there are beams. */
class BestAnswers {
  readonly #settings: GenerationSettings;
  #answers: (Answer & { readonly score: number })[] = [];

  constructor(settings: GenerationSettings) {
    this.#settings = settings;
  }

  add(tokens: readonly number[], score: number, ended: boolean): void {
    const { beams } = this.#settings;
    const answer = { tokens: tokens.slice(1), ended, score: this.#byLength(score, tokens.length - 1) };
    if (this.#answers.length >= beams && answer.score <= this.#worst()) return;
    this.#answers.push(answer);
    if (this.#answers.length <= beams) return;
    const worst = this.#worst();
    this.#answers.splice(
      this.#answers.findIndex((each) => each.score === worst),
      1,
    );
  }

  /** Whether beams of `length` tokens, the best of which has `score`, can make no better answer. */
  cannotImprove(score: number, length: number): boolean {
    const { beams, earlyStopping, lengthPenalty, maxTokens } = this.#settings;
    if (this.#answers.length < beams) return false;
    if (earlyStopping === true) return true;
    const longest = earlyStopping === 'never' && lengthPenalty > 0 ? maxTokens : length;
    return this.#worst() >= this.#byLength(score, longest);
  }

  best(): Answer {
    return this.#answers.reduce((best, each) => (each.score >= best.score ? each : best));
  }

  #byLength(score: number, length: number): number {
    return score / length ** this.#settings.lengthPenalty;
  }

  #worst(): number {
    return Math.min(...this.#answers.map(({ score }) => score));
  }
}

function toLogProbabilities(scores: Float32Array): void {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > greatest) greatest = score;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - greatest);
  const total = greatest + Math.log(sum);
  for (let i = 0; i < scores.length; i += 1) scores[i] = (scores[i] as number) - total;
}

/** The best continuations of all beams, the best first, of equal ones that of the earlier beam and token. */
function bestCandidates(
  beams: readonly Beam[],
  scores: Float32Array,
  vocabulary: number,
  count: number,
): readonly Candidate[] {
  const best: Candidate[] = [];
  let least = Number.NEGATIVE_INFINITY;
  beams.forEach(({ score: before }, beam) => {
    const offset = beam * vocabulary;
    for (let token = 0; token < vocabulary; token += 1) {
      const score = (scores[offset + token] as number) + before;
      if (best.length === count && score <= least) continue;
      let place = best.length;
      while (place > 0 && (best[place - 1] as Candidate).score < score) place -= 1;
      best.splice(place, 0, { beam, token, score });
      if (best.length > count) best.pop();
      if (best.length === count) least = (best[count - 1] as Candidate).score;
    }
  });
  return best;
}
