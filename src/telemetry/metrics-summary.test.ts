import { expect, it } from 'vitest';
import { DurationWindow, SliceRing } from './duration-window.ts';
import { summarizeMetrics } from './metrics-summary.ts';

const ring = new SliceRing({ now: () => 0, elapsed: () => 0 });
function durationsOf(version: string, seconds: readonly number[]) {
  const window = new DurationWindow(ring);
  for (const value of seconds) window.observe(value);
  return { labels: { model: 'm', version }, count: seconds.length, window: window.read() };
}
const isError = (labels: Readonly<Record<string, string>>) => labels['outcome'] !== 'ok';

it('adds up requests and errors and merges the latency of versions', () => {
  const summary = summarizeMetrics({
    requests: [
      { labels: { model: 'm', version: '1', outcome: 'ok' }, value: 6 },
      { labels: { model: 'm', version: '1', outcome: 'failed' }, value: 2 },
      { labels: { model: 'm', version: '2', outcome: 'ok' }, value: 2 },
    ],
    isError,
    durations: [durationsOf('1', [0.01, 0.01, 0.01]), durationsOf('2', [0.1])],
    windowSeconds: 8,
  });
  expect(summary).toMatchObject({ requests: 10, errors: 2, error_rate: 0.2, throughput_per_sec: 0.5 });
  expect(summary.latency_ms?.p50).toBeCloseTo(10, 0);
  expect(Math.abs((summary.latency_ms?.p99 ?? 0) - 100)).toBeLessThan(3);
  expect(summary.latency_ms?.avg).toBeCloseTo(32.5, 6);
  expect(Object.keys(summary.by_version)).toEqual(['m:1', 'm:2']);
  expect(summary.by_version['m:1']).toMatchObject({
    requests: 8,
    error_rate: 0.25,
    throughput_per_sec: 0.375,
  });
  expect(summary.by_version['m:2']).toMatchObject({ requests: 2, errors: 0 });
});

it('has no latency, and no division by zero, before the first request', () => {
  expect(summarizeMetrics({ requests: [], isError, durations: [], windowSeconds: 0 })).toEqual({
    requests: 0,
    errors: 0,
    error_rate: 0,
    latency_ms: null,
    throughput_per_sec: 0,
    by_version: {},
  });
});
