import { afterEach, describe, expect, it } from 'vitest';
import { createPrometheusMeter } from './prometheus-meter.ts';

let elapsedMs = 0;
const clock = { now: () => 0, elapsed: () => elapsedMs };
let meter = createPrometheusMeter({ clock });
const exposed = async () => (await meter.expose()).body;

afterEach(() => {
  meter.close();
  elapsedMs = 0;
  meter = createPrometheusMeter({ clock });
});

describe('counter', () => {
  it('adds, shows 0 from the start without labels, and never goes back', async () => {
    meter.counter({ name: 'slipway_plain_total', help: 'h', labels: [] });
    const counter = meter.counter({ name: 'slipway_c_total', help: 'h', labels: ['model'] });
    counter.with({ model: 'm' }).add();
    counter.with({ model: 'm' }).add(2.5);
    counter.with({ model: 'm' }).add(-1);
    counter.with({ model: 'm' }).add(Number.NaN);
    expect(await exposed()).toContain('slipway_plain_total 0\n');
    expect(await exposed()).toContain('slipway_c_total{model="m"} 3.5\n');
    expect(meter.readCounter('slipway_c_total')).toEqual([{ labels: { model: 'm' }, value: 3.5 }]);
    expect(meter.readCounter('slipway_nope_total')).toEqual([]);
  });

  it('keeps 200 series and counts the rest as other', async () => {
    const counter = meter.counter({ name: 'slipway_c_total', help: 'h', labels: ['path'] });
    for (let index = 0; index < 1_000; index++) counter.with({ path: `/${index}` }).add();
    expect(meter.readCounter('slipway_c_total')).toHaveLength(201);
    expect(await exposed()).toContain('slipway_c_total{path="other"} 800\n');
  });
});

it('gauge shows from its first set until it is removed', async () => {
  const gauge = meter.gauge({ name: 'slipway_g', help: 'h', labels: ['model'] });
  const handle = gauge.with({ model: 'm' });
  expect(await exposed()).not.toContain('slipway_g{');
  handle.set(0);
  expect(await exposed()).toContain('slipway_g{model="m"} 0\n');
  gauge.remove({ model: 'm' });
  handle.set(1);
  expect(await exposed()).not.toContain('slipway_g{');
});

describe('durations', () => {
  it('are a histogram since the start, with quantile gauges of the last minute', async () => {
    const durations = meter.durations({ name: 'slipway_d_seconds', help: 'h', labels: ['stage'] });
    const handle = durations.with({ stage: 'total' });
    for (const value of [0.0005, 0.002, 0.2, 99, Number.NaN, -1, Number.POSITIVE_INFINITY])
      handle.observe(value);
    const body = await exposed();
    expect(body).toContain('slipway_d_seconds_bucket{le="0.0005",stage="total"} 1\n');
    expect(body).toContain('slipway_d_seconds_bucket{le="0.001",stage="total"} 1\n');
    expect(body).toContain('slipway_d_seconds_bucket{le="0.2",stage="total"} 3\n');
    expect(body).toContain('slipway_d_seconds_bucket{le="10",stage="total"} 3\n');
    expect(body).toContain('slipway_d_seconds_bucket{le="+Inf",stage="total"} 4\n');
    expect(body).toContain('slipway_d_seconds_count{stage="total"} 4\n');
    expect(body).toMatch(/slipway_d_seconds_sum\{stage="total"\} 99\.2025\n/);
    expect(body).toMatch(/slipway_d_p50_seconds\{stage="total"\} 0\.0019[6-9]\d*\n/);
    expect(body).toMatch(/slipway_d_p95_seconds\{stage="total"\} 9\d(\.\d+)?\n/);
    elapsedMs = 70_000;
    expect(await exposed()).toContain('slipway_d_seconds_count{stage="total"} 4\n');
    expect(await exposed()).not.toContain('slipway_d_p50_seconds{');
  });

  it('can be read for a summary', () => {
    const durations = meter.durations({ name: 'slipway_d_seconds', help: 'h', labels: [] });
    elapsedMs = 3_000;
    durations.with({}).observe(2);
    expect(meter.readDurations('slipway_d_seconds')).toMatchObject([
      { labels: {}, count: 1, window: { sum: 2 } },
    ]);
    expect(meter.windowSeconds()).toBe(3);
  });
});

it('sizes have buckets of powers of two and no quantiles', async () => {
  meter.sizes({ name: 'slipway_batch_rows', help: 'h', labels: [] }).with({}).observe(3);
  const body = await exposed();
  expect(body).toContain('slipway_batch_rows_bucket{le="2"} 0\n');
  expect(body).toContain('slipway_batch_rows_bucket{le="4"} 1\n');
  expect(body).toContain('slipway_batch_rows_bucket{le="65536"} 1\n');
  expect(body).not.toContain('p50');
});

it('forgets a version in every metric', async () => {
  const labels = ['model', 'version'] as const;
  meter.counter({ name: 'slipway_c_total', help: 'h', labels }).with({ model: 'm', version: '1' }).add();
  const gauge = meter.gauge({ name: 'slipway_g', help: 'h', labels });
  gauge.with({ model: 'm', version: '1' }).set(1);
  gauge.with({ model: 'm', version: '2' }).set(1);
  meter.forget({ model: 'm', version: '1' });
  expect(await exposed()).not.toContain('version="1"');
  expect(await exposed()).toContain('version="2"');
});

it('refuses names that promtool would refuse, and the same name twice', () => {
  const definition = { help: 'h', labels: [] };
  expect(() => meter.counter({ ...definition, name: 'slipway_c' })).toThrow(/ending/);
  expect(() => meter.gauge({ ...definition, name: 'slipway_g_total' })).toThrow(/ending/);
  expect(() => meter.durations({ ...definition, name: 'slipway_d_ms' })).toThrow(/ending/);
  meter.gauge({ ...definition, name: 'slipway_g' });
  expect(() => meter.gauge({ ...definition, name: 'slipway_g' })).toThrow(/twice/);
});
