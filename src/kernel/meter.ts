/** Where the domains report what they count; implemented by `telemetry/`. Label values must be bounded. */
export interface Meter {
  counter<Label extends string>(definition: MetricDefinition<Label>): Counter<Label>;
  gauge<Label extends string>(definition: MetricDefinition<Label>): Gauge<Label>;
  /** Durations in seconds, exposed as a histogram with p50/p95/p99 gauges of the last minute beside it. */
  durations<Label extends string>(definition: MetricDefinition<Label>): Durations<Label>;
  /** Sizes (rows, bytes), exposed as a histogram with power-of-two buckets. */
  sizes<Label extends string>(definition: MetricDefinition<Label>): Durations<Label>;
}

export interface MetricDefinition<Label extends string> {
  readonly name: `slipway_${string}`;
  readonly help: string;
  readonly labels: readonly Label[];
}

export type Labels<Label extends string> = Readonly<Record<Label, string>>;

/** Bind once with `with`, keep the handle, and the hot path does no look-up. */
export interface Counter<Label extends string> {
  with(labels: Labels<Label>): { add(amount?: number): void };
}

export interface Gauge<Label extends string> {
  with(labels: Labels<Label>): { set(value: number): void };
  /** Takes the series away, for a model version that was unloaded. */
  remove(labels: Labels<Label>): void;
}

export interface Durations<Label extends string> {
  with(labels: Labels<Label>): { observe(value: number): void };
}
