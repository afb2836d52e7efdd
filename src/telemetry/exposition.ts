import { type Metric, Registry, type RegistryContentType } from 'prom-client';
import type { MetricFamily, MetricSample } from './metric-family.ts';

export type ExpositionFormat = 'prometheus' | 'openmetrics';

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/**
 * Writes families in the Prometheus text format 0.0.4 or in OpenMetrics 1.0.0. The registry lives for one
 * scrape: prom-client renames counters in place for OpenMetrics, and its content type is state of the registry,
 * so that a shared one gives wrong names to two scrapers of different kinds.
 */
export async function renderExposition(
  families: readonly MetricFamily[],
  format: ExpositionFormat,
): Promise<Exposition> {
  const open = format === 'openmetrics';
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(open ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE);
  for (const { samples, ...family } of families) {
    const name = open && family.type === 'counter' ? family.name.replace(/_total$/, '') : family.name;
    const values = open && family.type === 'histogram' ? samples.map(withCanonicalBound) : samples;
    const metric = { ...family, name, get: () => ({ ...family, name, values }) };
    registry.registerMetric(metric as unknown as Metric);
  }
  return { contentType: registry.contentType, body: await registry.metrics() };
}

/** OpenMetrics asks for `le="1.0"` where the older format has `le="1"`. */
function withCanonicalBound(sample: MetricSample): MetricSample {
  const bound = sample.labels?.['le'];
  if (bound === undefined || !/^\d+$/.test(bound)) return sample;
  return { ...sample, labels: { ...sample.labels, le: `${bound}.0` } };
}

/** OpenMetrics when an `Accept` header ranks it first, as Prometheus does; the older text otherwise. */
export function expositionFormatFor(accept: string | undefined): ExpositionFormat {
  let open = 0;
  let text = 0;
  for (const range of (accept ?? '').slice(0, 1_000).toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = quality === undefined ? 1 : Number(quality.slice(2)) || 0;
    const version = parameters.find((parameter) => parameter.startsWith('version='));
    if (type === 'application/openmetrics-text') {
      if (version === undefined || version === 'version=1.0.0') open = Math.max(open, weight);
    } else if (type === 'text/plain') text = Math.max(text, weight);
  }
  return open > 0 && open >= text ? 'openmetrics' : 'prometheus';
}
