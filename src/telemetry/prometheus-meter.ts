import { type Clock, systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Meter, MetricDefinition } from '../kernel/meter.ts';
import { SliceRing, type WindowReading } from './duration-window.ts';
import { type Exposition, expositionFormatFor, renderExposition } from './exposition.ts';
import { DURATION_BOUNDS, HistogramMetric, sizeBounds } from './histogram-metric.ts';
import type { MetricFamily } from './metric-family.ts';
import { CounterMetric, GaugeMetric } from './value-metrics.ts';

const SERIES_LIMIT = 200;
const ADVANCE_MS = 1_000;

export interface CounterReading {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface DurationsReading {
  readonly labels: Readonly<Record<string, string>>;
  /** Observations since the process started. */
  readonly count: number;
  /** The last minute. */
  readonly window: WindowReading;
}

export interface PrometheusMeter extends Meter {
  /** Adds families that are read anew at each scrape. */
  collect(source: () => readonly MetricFamily[] | Promise<readonly MetricFamily[]>): void;
  /** The whole exposition, in the format that an `Accept` header asks for. */
  expose(accept?: string): Promise<Exposition>;
  /** The series of a counter; empty when there is none of that name. */
  readCounter(name: string): readonly CounterReading[];
  /** The series of durations; empty when there are none of that name. */
  readDurations(name: string): readonly DurationsReading[];
  /** Seconds that the window of `readDurations` covers now. */
  windowSeconds(): number;
  /** Takes away, in every metric, the series that have these labels: for a version that was unloaded. */
  forget(labels: Readonly<Record<string, string>>): void;
  close(): void;
}

type AnyMetric = CounterMetric<string> | GaugeMetric<string> | HistogramMetric<string>;

/** The kernel's meter with bound handles that cost a few array writes; prom-client writes the text. */
export function createPrometheusMeter(options: { readonly clock?: Clock } = {}): PrometheusMeter {
  const ring = new SliceRing(options.clock ?? systemClock);
  const metrics = new Map<string, AnyMetric>();
  const sources: (() => readonly MetricFamily[] | Promise<readonly MetricFamily[]>)[] = [];
  const timer = setInterval(() => ring.advance(), ADVANCE_MS);
  timer.unref();

  function add<Label extends string, Added>(
    { name }: MetricDefinition<Label>,
    suffix: RegExp,
    metric: Added,
  ): Added {
    if (metrics.has(name)) throw new AppError('INTERNAL', `the metric ${name} is defined twice`);
    if (!suffix.test(name))
      throw new AppError('INTERNAL', `the name of the metric ${name} has the wrong ending`);
    metrics.set(name, metric as AnyMetric);
    return metric;
  }

  return {
    counter: (definition) => add(definition, /_total$/, new CounterMetric(definition, SERIES_LIMIT)),
    gauge: (definition) => {
      return add(definition, /(?<!_total|_count|_sum|_bucket)$/, new GaugeMetric(definition, SERIES_LIMIT));
    },
    durations: (definition) => {
      const histogram = { bounds: DURATION_BOUNDS, seriesLimit: SERIES_LIMIT, ring };
      return add(definition, /_seconds$/, new HistogramMetric(definition, histogram));
    },
    sizes: (definition) => {
      const histogram = { bounds: sizeBounds(definition.name), seriesLimit: SERIES_LIMIT };
      return add(definition, /(?<!_total|_count|_sum|_bucket)$/, new HistogramMetric(definition, histogram));
    },
    collect: (source) => {
      sources.push(source);
    },
    expose: async (accept) => {
      ring.advance();
      const own = [...metrics.values()].flatMap((metric) => metric.families());
      const others = await Promise.all(sources.map(async (source) => source()));
      return renderExposition([...own, ...others.flat()], expositionFormatFor(accept));
    },
    readCounter: (name) => {
      const metric = metrics.get(name);
      if (!(metric instanceof CounterMetric)) return [];
      return metric.series.all().map(({ labels, series }) => ({ labels, value: series.value }));
    },
    readDurations: (name) => {
      ring.advance();
      const metric = metrics.get(name);
      if (!(metric instanceof HistogramMetric)) return [];
      return metric.series.all().flatMap(({ labels, series }) => {
        const window = series.readWindow();
        return window === null ? [] : [{ labels, count: series.count, window }];
      });
    },
    windowSeconds: () => ring.seconds(),
    forget: (labels) => {
      for (const { series } of metrics.values()) series.forget(labels);
    },
    close: () => clearInterval(timer),
  };
}
