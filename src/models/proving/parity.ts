import type { JsonValue } from '../../kernel/json.ts';
import type { InputRecord } from '../record-check.ts';
import type { RowOutput } from '../runtimes/runtime.ts';
import type { OutputSpec } from '../signature.ts';

/** What a model says to a row: its answer, or why it has none. */
export type Answer = RowOutput | { readonly refusal: string };

/**
 * Probabilities may be this far apart, and numbers this far in relation to their size: what float32 makes of the same
 * arithmetic, and what golden examples are replayed with.
 */
export const TOLERANCE = 1e-5;
/**
 * Two labels whose probabilities are nearer than this are told apart by the order in which float32 were added up, and by
 * nothing that the model learnt: 16 steps of a float32 at 0.5.
 */
export const BOUNDARY_MARGIN = 1e-6;
/** A model that has more of its rows on a boundary answers something else. */
export const MOST_ON_BOUNDARY = 0.05;
const SHOWN_ROWS = 20;

/** A row that two models do not answer alike. */
export interface DifferingRow {
  /** Place among the rows that were compared, from 0. */
  readonly index: number;
  readonly input: InputRecord;
  readonly original: Answer;
  readonly converted: Answer;
  /** In words, with the size of the difference. */
  readonly reason: string;
}

/** How one model answers as another does, over some rows. */
export interface ParityReport {
  readonly holds: boolean;
  /** Why it does not hold; null where it does. */
  readonly reason: string | null;
  readonly rows: number;
  /** Rows that both answered. */
  readonly compared: number;
  /** Rows with another label, boundary rows included. */
  readonly labelsDiffering: number;
  /** Rows with another label whose two likeliest labels are nearer than `BOUNDARY_MARGIN` in both. */
  readonly boundaryRows: number;
  /** Null where there are no probabilities on both sides. */
  readonly maxProbabilityDifference: number | null;
  readonly meanProbabilityDifference: number | null;
  /** Of numbers that are no probabilities; null where there are none. */
  readonly maxAbsoluteDifference: number | null;
  readonly maxRelativeDifference: number | null;
  /** Rows that only the original refuses; the other one answers them now. */
  readonly refusedByOriginal: number;
  readonly refusedByBoth: number;
  /** How many rows break the proof; the first of them are `differing`. */
  readonly brokenRows: number;
  readonly differing: readonly DifferingRow[];
}

/**
 * Compares what two models say to the same rows. The proof holds when every row that the original answers gets the same
 * label or number, within `TOLERANCE`; a label may differ on the boundary, in `MOST_ON_BOUNDARY` of the rows at the most.
 */
export function compareAnswers(
  spec: OutputSpec,
  rows: readonly InputRecord[],
  original: readonly Answer[],
  converted: readonly Answer[],
): ParityReport {
  const tally = new Tally(spec, magnitudeOf(original));
  rows.forEach((input, index) => {
    tally.add({
      index,
      input,
      original: original[index] ?? NO_ANSWER,
      converted: converted[index] ?? NO_ANSWER,
    });
  });
  return tally.report(rows.length);
}

export function isRefusal(answer: Answer): answer is { readonly refusal: string } {
  return 'refusal' in answer;
}

const NO_ANSWER: Answer = { refusal: 'no answer' };

type Pair = Omit<DifferingRow, 'reason'>;

class Tally {
  readonly #spec: OutputSpec;
  /** Usual size of the numbers: near zero a relative difference says nothing. */
  readonly #magnitude: number;
  readonly #differing: DifferingRow[] = [];
  #brokenRows = 0;
  #compared = 0;
  #labelsDiffering = 0;
  #boundaryRows = 0;
  #refusedByOriginal = 0;
  #refusedByBoth = 0;
  readonly #probabilities = new Differences();
  readonly #absolute = new Differences();
  readonly #relative = new Differences();

  constructor(spec: OutputSpec, magnitude: number) {
    this.#spec = spec;
    this.#magnitude = magnitude;
  }

  add(pair: Pair): void {
    const { original, converted } = pair;
    if (isRefusal(original)) {
      if (isRefusal(converted)) this.#refusedByBoth++;
      else this.#refusedByOriginal++;
      return;
    }
    if (isRefusal(converted)) {
      this.#break(pair, `it is refused: ${converted.refusal}`);
      return;
    }
    this.#compared++;
    const reason =
      this.#spec.task === 'classification'
        ? this.#compareClasses(original, converted)
        : this.#compareValues(original.prediction, converted.prediction);
    if (reason !== null) this.#break(pair, reason);
  }

  report(rows: number): ParityReport {
    const reason = this.#reason();
    return {
      holds: reason === null,
      reason,
      rows,
      compared: this.#compared,
      labelsDiffering: this.#labelsDiffering,
      boundaryRows: this.#boundaryRows,
      maxProbabilityDifference: this.#probabilities.greatest,
      meanProbabilityDifference: this.#probabilities.mean,
      maxAbsoluteDifference: this.#absolute.greatest,
      maxRelativeDifference: this.#relative.greatest,
      refusedByOriginal: this.#refusedByOriginal,
      refusedByBoth: this.#refusedByBoth,
      brokenRows: this.#brokenRows,
      differing: this.#differing,
    };
  }

  #reason(): string | null {
    if (this.#brokenRows > 0) {
      const [first] = this.#differing;
      return `${this.#brokenRows} rows are not answered alike; the first, ${JSON.stringify(first?.input).slice(0, 300)}: ${first?.reason}`;
    }
    if (this.#compared === 0)
      return 'there was no row that the original answers: give some rows that it was made for';
    const most = Math.max(1, Math.floor(this.#compared * MOST_ON_BOUNDARY));
    if (this.#boundaryRows > most)
      return `${this.#boundaryRows} of ${this.#compared} rows lie on a decision boundary and get another label; ${most} may`;
    return null;
  }

  #break(pair: Pair, reason: string): void {
    this.#brokenRows++;
    if (this.#differing.length < SHOWN_ROWS) this.#differing.push({ ...pair, reason });
  }

  #compareClasses(original: RowOutput, converted: RowOutput): string | null {
    const before = original.probabilities;
    const now = converted.probabilities;
    const apart = before === null || now === null ? null : this.#probabilityDifference(before, now);
    if (!isSameLabel(original.prediction, converted.prediction)) {
      this.#labelsDiffering++;
      const isOnBoundary =
        before !== null &&
        now !== null &&
        gapOf(before) < BOUNDARY_MARGIN &&
        gapOf(now) < BOUNDARY_MARGIN &&
        (apart ?? Infinity) <= TOLERANCE;
      if (!isOnBoundary)
        return `the label was ${JSON.stringify(original.prediction)} and is ${JSON.stringify(converted.prediction)}`;
      this.#boundaryRows++;
    }
    if (before !== null && now === null) return 'it has no probabilities';
    return apart !== null && !(apart <= TOLERANCE)
      ? `a probability differs by ${apart === Infinity ? 'a missing number' : apart.toPrecision(2)}`
      : null;
  }

  #probabilityDifference(before: ArrayLike<number>, now: ArrayLike<number>): number {
    if (before.length !== now.length) return Infinity;
    let greatest = 0;
    for (let i = 0; i < before.length; i++)
      greatest = Math.max(greatest, distance(before[i] as number, now[i] as number));
    this.#probabilities.add(greatest);
    return greatest;
  }

  #compareValues(before: JsonValue, now: JsonValue): string | null {
    if (typeof before === 'number' && typeof now === 'number') {
      const apart = distance(before, now);
      const relative = apart === 0 ? 0 : apart / Math.max(Math.abs(before), this.#magnitude);
      this.#absolute.add(apart);
      this.#relative.add(relative);
      return relative <= TOLERANCE
        ? null
        : `the answer was ${before} and is ${now}, ${relative.toPrecision(2)} of its size`;
    }
    if (typeof before === 'object' && before !== null && typeof now === 'object' && now !== null) {
      const keys = Object.keys(before);
      if (Array.isArray(before) !== Array.isArray(now) || keys.length !== Object.keys(now).length)
        return 'the answer has another form';
      for (const key of keys) {
        const reason = this.#compareValues(
          (before as Record<string, JsonValue>)[key] as JsonValue,
          ((now as Record<string, JsonValue>)[key] ?? null) as JsonValue,
        );
        if (reason !== null) return reason;
      }
      return null;
    }
    return before === now ? null : `the answer was ${JSON.stringify(before)} and is ${JSON.stringify(now)}`;
  }
}

/** Greatest and mean of some distances. */
class Differences {
  #count = 0;
  #sum = 0;
  #greatest = 0;

  add(difference: number): void {
    this.#count++;
    this.#sum += difference;
    this.#greatest = Math.max(this.#greatest, difference);
  }

  get greatest(): number | null {
    return this.#count === 0 ? null : this.#greatest;
  }

  get mean(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count;
  }
}

/** Two that are both no number are the same; one that is none is infinitely far from any other. */
function distance(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  const apart = Math.abs(a - b);
  return Number.isNaN(apart) ? Infinity : apart;
}

/** Between the two likeliest labels. */
function gapOf(probabilities: ArrayLike<number>): number {
  let [first, second] = [-Infinity, -Infinity];
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i] as number;
    if (probability > first) [first, second] = [probability, first];
    else if (probability > second) second = probability;
  }
  return first - second;
}

/** A label is a name: true is not 1, and several at once are compared one by one. */
function isSameLabel(a: JsonValue, b: JsonValue): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** The median, which the far rows of a sample do not move; the mean where most are zero. */
function magnitudeOf(answers: readonly Answer[]): number {
  const sizes = answers
    .flatMap((answer) => (isRefusal(answer) ? [] : [answer.prediction].flat()))
    .filter((value) => typeof value === 'number')
    .map(Math.abs)
    .sort((a, b) => a - b);
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0;
  if (median > 0) return median;
  const sum = sizes.reduce((total, size) => total + size, 0);
  return sum === 0 ? 1 : sum / sizes.length;
}
