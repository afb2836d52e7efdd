import type { Fleet } from '../serving/fleet.ts';
import type { Follower } from '../serving/follower.ts';
import type { SegmentLog } from '../serving/prediction-log/segment-log.ts';
import { summarizeMetrics } from '../telemetry/metrics-summary.ts';
import type { PrometheusMeter } from '../telemetry/prometheus-meter.ts';
import type { StorageWorker } from './storage-worker.ts';

/** What health and metrics say of the parts that run. */
export function problemsOf(
  log: SegmentLog,
  storage: StorageWorker | null,
  stopping: boolean,
): readonly string[] {
  const problems: string[] = [];
  if (stopping) problems.push('the process is shutting down');
  if (log.failure !== null)
    problems.push(`the prediction log cannot be written since ${new Date(log.failure.since).toISOString()}`);
  const storageProblem = storage?.problem() ?? null;
  if (storageProblem !== null) problems.push(storageProblem);
  return problems;
}

export function summaryOf(meter: PrometheusMeter): object {
  return summarizeMetrics({
    requests: meter.readCounter('slipway_requests_total'),
    isError: (labels) => labels['outcome'] === 'failed' || labels['outcome'] === 'timeout',
    durations: meter
      .readDurations('slipway_request_duration_seconds')
      .filter(({ labels }) => labels['stage'] === 'total'),
    windowSeconds: meter.windowSeconds(),
  });
}

export function modelInfoFamily(fleet: Fleet) {
  return {
    name: 'slipway_model_info',
    help: 'Model versions in memory; the value is always 1',
    type: 'gauge' as const,
    samples: fleet.loaded().map(({ version, label }) => ({
      sharedLabels: {
        model: version.model,
        version: label,
        number: String(version.number),
        flavor: version.flavor,
        digest: version.digest,
      },
      value: 1,
    })),
  };
}

export function registryFamily(follower: Follower) {
  return {
    name: 'slipway_registry_reachable',
    help: '1 while the registry of an endpoint that follows a reference can be asked',
    type: 'gauge' as const,
    samples: follower
      .reachable()
      .map(({ endpoint, isReachable }) => ({ sharedLabels: { endpoint }, value: isReachable ? 1 : 0 })),
  };
}

export function logFamily(log: SegmentLog) {
  return {
    name: 'slipway_log_writable',
    help: '1 while the prediction log can be written',
    type: 'gauge' as const,
    samples: [{ sharedLabels: {}, value: log.failure === null ? 1 : 0 }],
  };
}
