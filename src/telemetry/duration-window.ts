import type { Clock } from '../kernel/clock.ts';

/** Each octave from 2^-20 s (1 µs) to 2^7 s has 32 bins of equal width: a bin's middle is within 1.6 % of its values. */
const SUB_BIN_BITS = 5;
const SUB_BINS = 1 << SUB_BIN_BITS;
const LEAST_EXPONENT = -20;
const OCTAVES = 27;
const BINS = OCTAVES * SUB_BINS;
const EXPONENT_BIAS = 1023;
const FIRST_BIN = (EXPONENT_BIAS + LEAST_EXPONENT) << SUB_BIN_BITS;
const BIN_SHIFT = 20 - SUB_BIN_BITS;

const SLICE_MS = 10_000;
const WINDOW_SLICES = 6;
/** One more than the window, so that the last whole minute is there while a slice is being filled. */
const SLICES = WINDOW_SLICES + 1;

const scratch = new Float64Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Which slice of the ring is being filled; shared by all windows, so that `observe` need not ask for the time. */
export class SliceRing {
  slot = 0;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #windows = new Set<WeakRef<DurationWindow>>();
  #slice = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.elapsed();
  }

  add(window: DurationWindow): void {
    this.#windows.add(new WeakRef(window));
  }

  /** Moves on to the slice of now and empties those that fell out of the window. Call once a second or so. */
  advance(): void {
    const slice = Math.floor((this.#clock.elapsed() - this.#startedMs) / SLICE_MS);
    const passed = Math.min(slice - this.#slice, SLICES);
    for (let step = 1; step <= passed; step++) {
      const slot = (slice - passed + step) % SLICES;
      for (const reference of this.#windows) {
        const window = reference.deref();
        if (window === undefined) this.#windows.delete(reference);
        else window.empty(slot);
      }
    }
    this.#slice = slice;
    this.slot = slice % SLICES;
  }

  /** Seconds that a window covers now: 60 to 70, or less in the first minute. */
  seconds(): number {
    const elapsedMs = this.#clock.elapsed() - this.#startedMs;
    return Math.min(elapsedMs, WINDOW_SLICES * SLICE_MS + (elapsedMs % SLICE_MS)) / 1_000;
  }
}

/** What was observed in the last minute. Readings of several series can be merged. */
export interface WindowReading {
  readonly bins: Uint32Array;
  readonly count: number;
  readonly sum: number;
}

/** Constant memory (24 kB) and no sorting: quantiles are read off counts. */
export class DurationWindow {
  readonly #ring: SliceRing;
  readonly #bins = new Uint32Array(SLICES * BINS);
  readonly #sums = new Float64Array(SLICES);

  constructor(ring: SliceRing) {
    this.#ring = ring;
    ring.add(this);
  }

  observe(seconds: number): void {
    scratch[0] = seconds;
    let bin = ((scratchBits[1] as number) >>> BIN_SHIFT) - FIRST_BIN;
    if (bin < 0) bin = 0;
    else if (bin >= BINS) bin = BINS - 1;
    const slot = this.#ring.slot;
    this.#bins[slot * BINS + bin] = (this.#bins[slot * BINS + bin] as number) + 1;
    this.#sums[slot] = (this.#sums[slot] as number) + seconds;
  }

  empty(slot: number): void {
    this.#bins.fill(0, slot * BINS, (slot + 1) * BINS);
    this.#sums[slot] = 0;
  }

  read(): WindowReading {
    const bins = new Uint32Array(BINS);
    let count = 0;
    for (let start = 0; start < this.#bins.length; start += BINS) {
      for (let bin = 0; bin < BINS; bin++) {
        const inBin = this.#bins[start + bin] as number;
        bins[bin] = (bins[bin] as number) + inBin;
        count += inBin;
      }
    }
    return { bins, count, sum: this.#sums.reduce((total, sum) => total + sum, 0) };
  }
}

export function mergeWindows(readings: readonly WindowReading[]): WindowReading {
  const bins = new Uint32Array(BINS);
  let count = 0;
  let sum = 0;
  for (const reading of readings) {
    for (let bin = 0; bin < BINS; bin++) bins[bin] = (bins[bin] as number) + (reading.bins[bin] as number);
    count += reading.count;
    sum += reading.sum;
  }
  return { bins, count, sum };
}

/** Quantiles in seconds by nearest rank, for `orders` between 0 and 1 in ascending order; null when nothing was seen. */
export function windowQuantiles(
  { bins, count }: WindowReading,
  orders: readonly number[],
): readonly number[] | null {
  if (count === 0) return null;
  let bin = -1;
  let below = 0;
  return orders.map((order) => {
    const rank = Math.max(1, Math.ceil(order * count));
    while (below < rank && bin < BINS - 1) below += bins[++bin] as number;
    return middleOf(bin);
  });
}

function middleOf(bin: number): number {
  const octave = 2 ** (LEAST_EXPONENT + Math.floor(bin / SUB_BINS));
  return octave * (1 + ((bin % SUB_BINS) + 0.5) / SUB_BINS);
}
