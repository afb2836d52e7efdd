import type { Durations, Labels } from '../kernel/meter.ts';
import { DurationWindow, type SliceRing, type WindowReading, windowQuantiles } from './duration-window.ts';
import type { MetricFamily, MetricSample } from './metric-family.ts';
import { type LabelledSeries, SeriesSet } from './series-set.ts';

/** Upper bounds in seconds. */
export const DURATION_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10,
] as const;

/** 1 to 65,536 rows, or 256 bytes to 1 GiB. */
export function sizeBounds(name: string): readonly number[] {
  const [first, step, count] = name.endsWith('_bytes') ? [8, 2, 12] : [0, 1, 17];
  return Array.from({ length: count }, (_, index) => 2 ** (first + index * step));
}

const QUANTILES = [
  { name: 'p50', order: 0.5 },
  { name: 'p95', order: 0.95 },
  { name: 'p99', order: 0.99 },
] as const;

export interface HistogramDefinition<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly Label[];
}

interface HistogramOptions {
  readonly bounds: readonly number[];
  readonly seriesLimit: number;
  /** When given, quantiles of the last minute are kept too. */
  readonly ring?: SliceRing;
}

class HistogramSeries {
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  readonly #sum = new Float64Array(1);
  readonly #window: DurationWindow | null;

  constructor(bounds: Float64Array, ring: SliceRing | undefined) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
    this.#window = ring === undefined ? null : new DurationWindow(ring);
  }

  /** Passes over what is negative or not finite: one such value would spoil the sum for good. */
  observe(value: number): void {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return;
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum[0] = (this.#sum[0] as number) + value;
    if (this.#window !== null) this.#window.observe(value);
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  get sum(): number {
    return this.#sum[0] as number;
  }

  /** Of the last minute; null for a histogram without a window. */
  readWindow(): WindowReading | null {
    return this.#window?.read() ?? null;
  }

  samples(
    name: string,
    sharedLabels: Readonly<Record<string, string>>,
    bounds: readonly string[],
  ): MetricSample[] {
    let total = 0;
    const buckets = bounds.map((le, bucket) => {
      total += this.#counts[bucket] as number;
      return { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: total };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, sharedLabels, value: this.sum },
      { metricName: `${name}_count`, sharedLabels, value: total },
    ];
  }
}

/** A histogram since the process started and, with a ring, gauges `…_p50_seconds` and so on of the last minute. */
export class HistogramMetric<Label extends string> implements Durations<Label> {
  readonly #definition: HistogramDefinition<Label>;
  readonly #boundTexts: readonly string[];
  readonly #ring: SliceRing | undefined;
  readonly series: SeriesSet<Label, HistogramSeries>;

  constructor(definition: HistogramDefinition<Label>, { bounds, seriesLimit, ring }: HistogramOptions) {
    const exact = Float64Array.from(bounds);
    this.#definition = definition;
    this.#boundTexts = [...bounds.map(String), '+Inf'];
    this.#ring = ring;
    this.series = new SeriesSet(definition.labels, seriesLimit, () => new HistogramSeries(exact, ring));
  }

  with(labels: Labels<Label>): HistogramSeries {
    return this.series.with(labels);
  }

  families(): readonly MetricFamily[] {
    const { name, help } = this.#definition;
    const all = this.series.all();
    const samples = all.flatMap(({ labels, series }) => series.samples(name, labels, this.#boundTexts));
    const histogram: MetricFamily = { name, help, type: 'histogram', samples };
    return this.#ring === undefined ? [histogram] : [histogram, ...this.#quantiles(all)];
  }

  #quantiles(all: readonly LabelledSeries<HistogramSeries>[]): MetricFamily[] {
    const orders = QUANTILES.map(({ order }) => order);
    const read = all.flatMap(({ labels, series }) => {
      const window = series.readWindow();
      const values = window === null ? null : windowQuantiles(window, orders);
      return values === null ? [] : [{ labels, values }];
    });
    return QUANTILES.map(({ name, order }, index) => ({
      name: this.#definition.name.replace(/_seconds$/, `_${name}_seconds`),
      help: `${this.#definition.help}: quantile ${order} of the last minute`,
      type: 'gauge',
      samples: read.map(({ labels, values }) => ({ sharedLabels: labels, value: values[index] as number })),
    }));
  }
}
