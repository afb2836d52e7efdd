import { mergeWindows, type WindowReading, windowQuantiles } from './duration-window.ts';
import type { CounterReading, DurationsReading } from './prometheus-meter.ts';

/** Counts are since the process started; latency and throughput are of the last minute. */
export interface TrafficSummary {
  readonly requests: number;
  readonly errors: number;
  /** `errors / requests`, 0 to 1; 0 when there were no requests. */
  readonly error_rate: number;
  /** Null when there was no request in the last minute. */
  readonly latency_ms: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly avg: number;
  } | null;
  readonly throughput_per_sec: number;
}

export interface MetricsSummary extends TrafficSummary {
  /** By `model:version`. */
  readonly by_version: Readonly<Record<string, TrafficSummary>>;
}

export interface SummaryInput {
  /** A counter with the labels `model` and `version`. */
  readonly requests: readonly CounterReading[];
  readonly isError: (labels: Readonly<Record<string, string>>) => boolean;
  /** Whole requests only: the caller leaves out the other stages. */
  readonly durations: readonly DurationsReading[];
  readonly windowSeconds: number;
}

/** The JSON form of `/metrics`. */
export function summarizeMetrics(input: SummaryInput): MetricsSummary {
  const versions = new Set([...input.requests, ...input.durations].map(({ labels }) => versionOf(labels)));
  const byVersion = [...versions].sort().map((version) => {
    const isOf = ({ labels }: { labels: Readonly<Record<string, string>> }) => versionOf(labels) === version;
    const part = { ...input, requests: input.requests.filter(isOf), durations: input.durations.filter(isOf) };
    return [version, summarizeTraffic(part)] as const;
  });
  return { ...summarizeTraffic(input), by_version: Object.fromEntries(byVersion) };
}

function versionOf(labels: Readonly<Record<string, string>>): string {
  return `${labels['model'] ?? ''}:${labels['version'] ?? ''}`;
}

function summarizeTraffic({ requests, isError, durations, windowSeconds }: SummaryInput): TrafficSummary {
  const total = sumOf(requests);
  const errors = sumOf(requests.filter(({ labels }) => isError(labels)));
  const window = mergeWindows(durations.map((reading) => reading.window));
  return {
    requests: total,
    errors,
    error_rate: total === 0 ? 0 : errors / total,
    latency_ms: latencyOf(window),
    throughput_per_sec: windowSeconds > 0 ? window.count / windowSeconds : 0,
  };
}

function sumOf(readings: readonly CounterReading[]): number {
  return readings.reduce((total, { value }) => total + value, 0);
}

function latencyOf(window: WindowReading): TrafficSummary['latency_ms'] {
  const quantiles = windowQuantiles(window, [0.5, 0.95, 0.99]);
  if (quantiles === null) return null;
  const [p50 = 0, p95 = 0, p99 = 0] = quantiles.map((seconds) => seconds * 1_000);
  return { p50, p95, p99, avg: (window.sum / window.count) * 1_000 };
}
