import { mkdirSync } from 'node:fs';

import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { createProcessMetrics } from './process-metrics.ts';
import { createPrometheusMeter } from './prometheus-meter.ts';

let elapsedMs = 0;
const clock = { now: () => 1_700_000_000_000, elapsed: () => elapsedMs };
const later = join(temporaryFolder('metrics'), 'later');
const metrics = createProcessMetrics({ serviceVersion: '1.2.3', directories: ['/', later], clock });
afterAll(() => metrics.close());

async function valuesOf(name: string): Promise<readonly number[]> {
  const family = (await metrics.families()).find((other) => other.name === name);
  return family?.samples.map(({ value }) => value) ?? [];
}

it('gives plausible values', async () => {
  expect((await valuesOf('process_resident_memory_bytes'))[0]).toBeGreaterThan(10e6);
  expect((await valuesOf('process_cpu_seconds_total'))[0]).toBeGreaterThan(0);
  expect((await valuesOf('nodejs_heap_size_used_bytes'))[0]).toBeGreaterThan(1e6);
  expect((await valuesOf('process_start_time_seconds'))[0]).toBeLessThan(1_700_000_000);
  expect((await valuesOf('slipway_event_loop_utilization_ratio'))[0]).toBeLessThanOrEqual(1);
});

it('leaves out a directory that does not exist, and reads disks once in five seconds', async () => {
  const [free] = await valuesOf('slipway_disk_free_bytes');
  const [size] = await valuesOf('slipway_disk_size_bytes');
  expect(await valuesOf('slipway_disk_free_bytes')).toHaveLength(1);
  expect(free).toBeGreaterThan(0);
  expect(size).toBeGreaterThan(free as number);
  mkdirSync(later);
  elapsedMs = 4_999;
  expect(await valuesOf('slipway_disk_free_bytes')).toHaveLength(1);
  elapsedMs = 5_000;
  expect(await valuesOf('slipway_disk_free_bytes')).toHaveLength(2);
});

it('does not count the resolution of the monitor as delay', async () => {
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect((await valuesOf('nodejs_eventloop_lag_p50_seconds'))[0]).toBeLessThan(0.015);
});

it('costs less than 5 ms a scrape with 50 series', async () => {
  const meter = createPrometheusMeter();
  meter.collect(metrics.families);
  const gauge = meter.gauge({ name: 'slipway_g', help: 'h', labels: ['n'] });
  for (let index = 0; index < 50; index++) gauge.with({ n: String(index) }).set(index);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20; round++) {
    const started = performance.now();
    await meter.expose();
    least = Math.min(least, performance.now() - started);
  }
  meter.close();
  expect(least).toBeLessThan(5);
});
