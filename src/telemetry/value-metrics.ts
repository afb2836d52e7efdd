import type { Counter, Gauge, Labels, MetricDefinition } from '../kernel/meter.ts';
import type { MetricFamily } from './metric-family.ts';
import { type LabelledSeries, SeriesSet } from './series-set.ts';

class CounterSeries {
  readonly #total = new Float64Array(1);

  /** Adds to the total; a negative or unreadable amount would undo what was counted and is passed over. */
  add(amount = 1): void {
    if (amount >= 0) this.#total[0] = (this.#total[0] as number) + amount;
  }

  get value(): number {
    return this.#total[0] as number;
  }
}

class GaugeSeries {
  readonly #last = new Float64Array(1).fill(Number.NaN);

  set(value: number): void {
    this.#last[0] = value;
  }

  get value(): number {
    return this.#last[0] as number;
  }
}

/** A total since the process started. */
export class CounterMetric<Label extends string> implements Counter<Label> {
  readonly #definition: MetricDefinition<Label>;
  readonly series: SeriesSet<Label, CounterSeries>;

  constructor(definition: MetricDefinition<Label>, seriesLimit: number) {
    this.#definition = definition;
    this.series = new SeriesSet(definition.labels, seriesLimit, () => new CounterSeries());
  }

  with(labels: Labels<Label>): CounterSeries {
    return this.series.with(labels);
  }

  families(): readonly MetricFamily[] {
    return [familyOf('counter', this.#definition, this.series.all())];
  }
}

/** A value that goes up and down; a series shows from its first `set`. */
export class GaugeMetric<Label extends string> implements Gauge<Label> {
  readonly #definition: MetricDefinition<Label>;
  readonly series: SeriesSet<Label, GaugeSeries>;

  constructor(definition: MetricDefinition<Label>, seriesLimit: number) {
    this.#definition = definition;
    this.series = new SeriesSet(definition.labels, seriesLimit, () => new GaugeSeries());
  }

  with(labels: Labels<Label>): GaugeSeries {
    return this.series.with(labels);
  }

  remove(labels: Labels<Label>): void {
    this.series.remove(labels);
  }

  families(): readonly MetricFamily[] {
    const set = this.series.all().filter(({ series }) => !Number.isNaN(series.value));
    return [familyOf('gauge', this.#definition, set)];
  }
}

function familyOf(
  type: 'counter' | 'gauge',
  { name, help }: MetricDefinition<string>,
  all: readonly LabelledSeries<{ readonly value: number }>[],
): MetricFamily {
  return {
    name,
    help,
    type,
    samples: all.map(({ labels, series }) => ({ sharedLabels: labels, value: series.value })),
  };
}
