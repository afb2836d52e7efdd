const MOST_HELD = 1 << 20;
const CELLS = 1 << 16;

/** Exact quantiles of numbers in bounded memory; missing ones are passed over. */
export interface ExactQuantiles {
  add(x: number): void;
  /**
   * The quantiles, ascending as they were asked for, interpolated between neighbours as NumPy and scikit-learn do
   * (Hyndman and Fan 1996, type 7); empty for no numbers. Null: show the same numbers once more.
   */
  finish(): number[] | null;
}

/**
 * Up to a million numbers are held and sorted. Of more, each pass counts how many fall into each of 65,536 cells around
 * every rank that is looked for, and looks closer at the cell that holds it: three or four passes find any rank.
 */
export function exactQuantiles(shares: readonly number[]): ExactQuantiles {
  let held: Float64Array = new Float64Array(1024);
  let count = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  let searches: readonly Search[] | null = null;

  function add(x: number): void {
    if (Number.isNaN(x)) return;
    if (searches !== null) {
      for (const search of searches) search.add(x);
      return;
    }
    if (x < least) least = x;
    if (x > most) most = x;
    if (count < MOST_HELD) {
      if (count === held.length) held = grown(held);
      held[count] = x;
    }
    count++;
  }

  function finish(): number[] | null {
    if (count === 0) return [];
    if (count <= MOST_HELD) {
      const sorted = held.subarray(0, count).sort();
      return shares.map((share) => interpolate(share, count, (rank) => sorted[rank] as number));
    }
    searches ??= ranksOf(shares, count).map((rank) => new Search(rank, least, most));
    for (const search of searches) search.narrow();
    if (searches.some((search) => search.value === null)) return null;
    const byRank = new Map(searches.map((search) => [search.rank, search.value as number]));
    return shares.map((share) => interpolate(share, count, (rank) => byRank.get(rank) as number));
  }

  return { add, finish };
}

function grown(held: Float64Array): Float64Array {
  const larger = new Float64Array(Math.min(MOST_HELD, held.length * 2));
  larger.set(held);
  return larger;
}

function ranksOf(shares: readonly number[], count: number): readonly number[] {
  const ranks = shares.flatMap((share) => [Math.floor(share * (count - 1)), Math.ceil(share * (count - 1))]);
  return [...new Set(ranks)];
}

function interpolate(share: number, count: number, at: (rank: number) => number): number {
  const position = share * (count - 1);
  const [below, above] = [at(Math.floor(position)), at(Math.ceil(position))];
  const part = position - Math.floor(position);
  // From the nearer end, as NumPy has it, so that the last digit is the same.
  return part < 0.5 ? below + (above - below) * part : above - (above - below) * (1 - part);
}

/** Finds the number of one rank, 0 for the least, by looking closer and closer. */
class Search {
  readonly rank: number;
  value: number | null = null;
  #low: number;
  #high: number;
  /** Numbers below `#low`. */
  #below = 0;
  #cells: Float64Array | null = null;
  #least: Float64Array = new Float64Array();
  #most: Float64Array = new Float64Array();

  constructor(rank: number, least: number, most: number) {
    this.rank = rank;
    this.#low = least;
    this.#high = most;
  }

  add(x: number): void {
    if (this.#cells === null || this.value !== null || x < this.#low || x > this.#high) return;
    const width = this.#high - this.#low;
    const cell = width === 0 ? 0 : Math.min(CELLS - 1, Math.floor(((x - this.#low) / width) * CELLS));
    this.#cells[cell] = (this.#cells[cell] as number) + 1;
    if (x < (this.#least[cell] as number)) this.#least[cell] = x;
    if (x > (this.#most[cell] as number)) this.#most[cell] = x;
  }

  /** After a pass: chooses the cell of the rank. Before the first: makes ready to count. */
  narrow(): void {
    if (this.value !== null) return;
    if (this.#cells !== null) {
      let cell = 0;
      while (this.#below + (this.#cells[cell] as number) <= this.rank)
        this.#below += this.#cells[cell++] as number;
      this.#low = this.#least[cell] as number;
      this.#high = this.#most[cell] as number;
      if (this.#low === this.#high) {
        this.value = this.#low;
        this.#cells = null;
        return;
      }
    }
    this.#cells = new Float64Array(CELLS);
    this.#least = new Float64Array(CELLS).fill(Number.POSITIVE_INFINITY);
    this.#most = new Float64Array(CELLS).fill(Number.NEGATIVE_INFINITY);
  }
}
