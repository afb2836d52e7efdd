/** Buckets of equal width within each power of two: a value is off by less than 1 %, in constant memory. */
const SUB_BITS = 7;
const SUB_BUCKETS = 1 << SUB_BITS;
const BUCKETS = SUB_BUCKETS * 40;

/** Times in microseconds, as HdrHistogram keeps them. */
export class Histogram {
  #counts = new Uint32Array(BUCKETS);
  #max = 0;
  count = 0;

  record(micros) {
    const value = Math.max(0, Math.round(micros));
    this.#counts[bucketOf(value)]++;
    this.#max = Math.max(this.#max, value);
    this.count++;
  }

  get max() {
    return this.#max;
  }

  /** The value that `order` (0 to 1) of all are not above, by nearest rank; the top of its bucket. */
  quantile(order) {
    const rank = Math.max(1, Math.ceil(order * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket];
      if (seen >= rank) return Math.min(topOf(bucket), this.#max);
    }
    return this.#max;
  }
}

function bucketOf(value) {
  if (value < SUB_BUCKETS) return value;
  const shift = 31 - Math.clz32(value) - SUB_BITS;
  return Math.min(BUCKETS - 1, (shift + 1) * SUB_BUCKETS + (value >>> shift) - SUB_BUCKETS);
}

function topOf(bucket) {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  return ((bucket % SUB_BUCKETS) + SUB_BUCKETS + 1) * 2 ** shift - 1;
}
