import { OUTCOMES, type Outcome } from '../contracts/log-record.ts';
import type { Meter } from '../kernel/meter.ts';
import { type ModelVersion, versionLabel } from '../models/model-version.ts';
import { VersionTally } from './version-tally.ts';

/** The metrics of one endpoint and version, bound once. Durations in seconds. */
export interface TargetMeter {
  readonly queue: { observe(seconds: number): void };
  readonly inference: { observe(seconds: number): void };
  /** One row with its outcome and its time from parsed body to answer. */
  count(outcome: Outcome, seconds: number): void;
  /** Of the version, whichever endpoint it answers for. */
  readonly tally: VersionTally;
}

/** What serving counts; the names are public (docs/guides/operate.md). */
export interface ServingMeter {
  target(endpoint: string, version: ModelVersion): TargetMeter;
  inflight(change: 1 | -1): void;
  /** One request whose line could not be written. */
  unlogged(): void;
  /** A version that took an endpoint over, or was refused. */
  switched(endpoint: string, outcome: 'switched' | 'refused'): void;
  /** One run of a model. */
  run(version: ModelVersion, rows: number): void;
  tally(version: ModelVersion): VersionTally;
}

export function createServingMeter(meter: Meter): ServingMeter {
  const requests = meter.counter({
    name: 'slipway_requests_total',
    help: 'Predictions by outcome: ok, rejected (bad input or overload), failed, timeout',
    labels: ['endpoint', 'model', 'version', 'outcome'],
  });
  const duration = meter.durations({
    name: 'slipway_request_duration_seconds',
    help: 'Time of a prediction by stage: queue, transform, inference, total (from parsed body to log line)',
    labels: ['model', 'version', 'stage'],
  });
  const batchRows = meter.sizes({
    name: 'slipway_batch_rows',
    help: 'Rows in one run of a model',
    labels: ['model', 'version'],
  });
  const inflight = meter
    .gauge({ name: 'slipway_inflight', help: 'Requests admitted and not yet answered', labels: [] })
    .with({});
  const unlogged = meter
    .counter({
      name: 'slipway_log_write_failures_total',
      help: 'Requests whose line could not be written',
      labels: [],
    })
    .with({});
  const switches = meter.counter({
    name: 'slipway_version_switches_total',
    help: 'Versions that an endpoint switched to, or refused',
    labels: ['endpoint', 'outcome'],
  });
  const runs = new Map<
    string,
    { readonly sizes: { observe(value: number): void }; readonly tally: VersionTally }
  >();
  let current = 0;

  const runsOf = (version: ModelVersion) => {
    const key = `${version.registry}:${version.model}/${version.number}`;
    let known = runs.get(key);
    if (known === undefined) {
      const labels = { model: version.model, version: versionLabel(version) };
      known = { sizes: batchRows.with(labels), tally: new VersionTally() };
      runs.set(key, known);
    }
    return known;
  };

  return {
    target(endpoint, version) {
      const labels = { model: version.model, version: versionLabel(version) };
      const outcomes = Object.fromEntries(
        OUTCOMES.map((outcome) => [outcome, requests.with({ endpoint, ...labels, outcome })]),
      ) as Record<Outcome, { add(): void }>;
      const total = duration.with({ ...labels, stage: 'total' });
      return {
        queue: duration.with({ ...labels, stage: 'queue' }),
        inference: duration.with({ ...labels, stage: 'inference' }),
        tally: runsOf(version).tally,
        count(outcome, seconds) {
          outcomes[outcome].add();
          total.observe(seconds);
        },
      };
    },
    inflight(change) {
      current += change;
      inflight.set(current);
    },
    unlogged: () => unlogged.add(),
    switched: (endpoint, outcome) => switches.with({ endpoint, outcome }).add(),
    run(version, rows) {
      const { sizes, tally } = runsOf(version);
      sizes.observe(rows);
      tally.runs++;
    },
    tally: (version) => runsOf(version).tally,
  };
}
