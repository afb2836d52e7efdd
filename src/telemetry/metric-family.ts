/** One metric with all its series, as a scrape reads it; a counter's name ends in `_total`. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  /** The name on the line where it differs from the family's: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
  /** The labels of the series; the same object at every scrape, so that their text is made once. */
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

const NO_LABELS: Readonly<Record<string, string>> = {};

/** A family of one series without labels. */
export function plainFamily(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: number,
): MetricFamily {
  return { name, help, type, samples: [{ sharedLabels: NO_LABELS, value }] };
}
