import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { createProcessMetrics } from './process-metrics.ts';
import { createPrometheusMeter } from './prometheus-meter.ts';

const absent = spawnSync('promtool', ['--version']).error !== undefined;
const skipped = absent && process.env['CI'] !== 'true';
const reason = skipped ? ' (skipped: promtool of the Debian package `prometheus` is not on PATH)' : '';

it.skipIf(skipped)(`promtool check metrics finds nothing to say${reason}`, async () => {
  const meter = createPrometheusMeter();
  const metrics = createProcessMetrics({ serviceVersion: '1.2.3', directories: ['/'] });
  meter.collect(metrics.families);
  const labels = ['model', 'version', 'stage'] as const;
  const some = { model: 'a "quoted" \\ name\n', version: '1', stage: 'total' };
  meter.counter({ name: 'slipway_requests_total', help: 'Requests', labels }).with(some).add();
  meter.gauge({ name: 'slipway_inflight', help: 'Requests under way', labels }).with(some).set(1);
  const durations = meter.durations({
    name: 'slipway_request_duration_seconds',
    help: 'Duration by stage',
    labels,
  });
  durations.with(some).observe(0.01);
  meter.sizes({ name: 'slipway_batch_rows', help: 'Rows in a run', labels }).with(some).observe(3);
  const { body } = await meter.expose();
  meter.close();
  metrics.close();
  expect(body).toContain('slipway_request_duration_p95_seconds{');
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  expect(checked.error).toBeUndefined();
  expect(checked.stderr + checked.stdout).toBe('');
  expect(checked.status).toBe(0);
});
