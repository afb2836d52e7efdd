import { describe, expect, it } from 'vitest';
import { expositionFormatFor, renderExposition } from './exposition.ts';
import type { MetricFamily } from './metric-family.ts';

const sharedLabels = { model: 'a"b\\c\nd' };
const families: MetricFamily[] = [
  { name: 'x_total', help: 'Counted', type: 'counter', samples: [{ sharedLabels, value: 3 }] },
  {
    name: 'y_seconds',
    help: 'Took',
    type: 'histogram',
    samples: [
      { metricName: 'y_seconds_bucket', labels: { le: '1' }, sharedLabels: {}, value: 1 },
      { metricName: 'y_seconds_bucket', labels: { le: '+Inf' }, sharedLabels: {}, value: 2 },
    ],
  },
];

describe('renderExposition', () => {
  it('writes both formats, again and again and at once', async () => {
    for (let round = 0; round < 2; round++) {
      const [text, open] = await Promise.all([
        renderExposition(families, 'prometheus'),
        renderExposition(families, 'openmetrics'),
      ]);
      expect(text.contentType).toMatch(/^text\/plain; version=0.0.4/);
      expect(text.body).toBe(
        '# HELP x_total Counted\n# TYPE x_total counter\nx_total{model="a\\"b\\\\c\\nd"} 3\n\n' +
          '# HELP y_seconds Took\n# TYPE y_seconds histogram\ny_seconds_bucket{le="1"} 1\ny_seconds_bucket{le="+Inf"} 2\n',
      );
      expect(open.contentType).toMatch(/^application\/openmetrics-text; version=1.0.0/);
      expect(open.body).toBe(
        '# HELP x Counted\n# TYPE x counter\nx_total{model="a\\"b\\\\c\\nd"} 3\n' +
          '# HELP y_seconds Took\n# TYPE y_seconds histogram\ny_seconds_bucket{le="1.0"} 1\ny_seconds_bucket{le="+Inf"} 2\n' +
          '# EOF\n',
      );
    }
  });

  it('refuses two families of one name', async () => {
    await expect(renderExposition([...families, ...families], 'prometheus')).rejects.toThrow(/already/);
  });
});

describe('expositionFormatFor', () => {
  it.each([
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
    ['application/openmetrics-text;version=0.0.1', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.5', 'prometheus'],
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
  ])('%s → %s', (accept, format) => {
    expect(expositionFormatFor(accept)).toBe(format);
  });
});
