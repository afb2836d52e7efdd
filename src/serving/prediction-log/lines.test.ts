import { describe, expect, it } from 'vitest';
import { logLine } from '../../contracts/log-record.ts';
import { uuidV7 } from '../../kernel/ids.ts';
import type { RowOutput } from '../../models/runtimes/runtime.ts';
import { compileRender } from '../render.ts';
import { feedbackLine, lineFrame, lineTarget, predictionLine, roundMicros } from './lines.ts';

const ODD = [
  '',
  'plain',
  '"quoted" \\ back',
  'line\nend\r\t\0',
  '\u2028\u2029',
  '\ud800 lone',
  'é😀',
  '</script>',
  '__proto__',
  '{"a":1}',
];
const AT = Date.UTC(2026, 2, 1, 10, 0, 0, 5);

type Parts = Parameters<typeof lineFrame>[0] & Omit<Parameters<typeof predictionLine>[0], 'frame'>;

function aLine(change: Partial<Parts> = {}): string {
  const parts: Parts = {
    at: AT,
    id: '0198f000-0000-7000-8000-000000000000',
    outcome: 'ok',
    status: 200,
    latencyMs: 1.2345,
    target: lineTarget({
      endpoint: 'sales',
      revision: 3,
      arm: 'stable',
      model: 'sales',
      version: '1.2.0',
      transformHash: 'ab12',
    }),
    context: {
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      dialect: 'native',
      correlationId: undefined,
      routingKey: undefined,
      callerTime: undefined,
    },
    inputJson: '{"a":1}',
    errorCode: null,
    output: compileRender({ task: 'regression' })({ prediction: 2.5, probabilities: null }),
    ...change,
  };
  return predictionLine({ ...parts, frame: lineFrame(parts) });
}

const parsed = (line: string): Record<string, unknown> => logLine.parse(JSON.parse(line)) as never;

describe('predictionLine', () => {
  it('is every field of the schema and nothing else', () => {
    const line = aLine();
    expect(parsed(line)).toEqual(JSON.parse(line));
    expect(JSON.parse(line)).toEqual({
      '@timestamp': '2026-03-01T10:00:00.005Z',
      'event.action': 'prediction',
      'event.id': '0198f000-0000-7000-8000-000000000000',
      'event.outcome': 'ok',
      'trace.id': '4bf92f3577b34da6a3ce929d0e0e4736',
      dialect: 'native',
      revision: 3,
      model: 'sales',
      model_version: '1.2.0',
      endpoint: 'sales',
      arm: 'stable',
      transform_hash: 'ab12',
      schema: 1,
      latency_ms: 1.235,
      status: 200,
      input: { a: 1 },
      prediction: 2.5,
    });
  });

  it.each(ODD)('fits the schema and stays one line with %j everywhere', (odd) => {
    const spec = {
      task: 'classification',
      labels: [odd, 'other'],
      hasProbabilities: true,
      positive: null,
    } as const;
    const output: RowOutput = { prediction: odd, probabilities: [0.25, 0.75] };
    const line = aLine({
      target: lineTarget({
        endpoint: odd,
        revision: 1,
        arm: odd,
        model: odd,
        version: odd,
        transformHash: null,
      }),
      context: {
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        dialect: 'native',
        correlationId: odd,
        routingKey: odd,
        callerTime: odd,
      },
      inputJson: `{${JSON.stringify(odd)}:${JSON.stringify(odd)}}`,
      output: compileRender(spec)(output),
    });
    expect(line).not.toMatch(/[\n\r]/);
    expect(Buffer.from(line).toString()).toBe(line);
    const fields = parsed(line);
    expect(fields).toMatchObject({
      id: odd,
      key: odd,
      timestamp: odd,
      endpoint: odd,
      model: odd,
      prediction: odd,
    });
    expect(fields['confidence']).toBe(0.25);
    expect(JSON.stringify(JSON.parse(line).input)).toBe(`{${JSON.stringify(odd)}:${JSON.stringify(odd)}}`);
    expect(Object.keys(JSON.parse(line).probabilities)).toEqual([odd, 'other']);
  });

  it('of a rejection has its code, and neither input nor answer', () => {
    const line = aLine({
      outcome: 'rejected',
      status: 422,
      errorCode: 'INPUT_INVALID',
      inputJson: null,
      output: null,
    });
    expect(parsed(line)).toMatchObject({
      'event.outcome': 'rejected',
      'error.code': 'INPUT_INVALID',
      status: 422,
    });
    for (const name of ['input', 'prediction', 'probabilities', 'confidence'])
      expect(JSON.parse(line)).not.toHaveProperty(name);
  });

  it.each([
    { prediction: null, probabilities: [Number.NaN, Number.NaN] },
    { prediction: 0, probabilities: [Number.POSITIVE_INFINITY, 0] },
    { prediction: 0, probabilities: [0.5] },
  ])('fits the schema when the model answers %j', (output) => {
    const render = compileRender({
      task: 'classification',
      labels: [0, 1],
      hasProbabilities: true,
      positive: 1,
    });
    expect(() => parsed(aLine({ output: render(output) }))).not.toThrow();
  });

  it('carries nested predictions', () => {
    const render = compileRender({ task: 'generic', outputs: [] });
    const prediction = {
      boxes: [
        [1, 2],
        [null, 4],
      ],
      'a"b': 'x',
    };
    expect(parsed(aLine({ output: render({ prediction, probabilities: null }) }))['prediction']).toEqual(
      prediction,
    );
  });
});

describe('feedbackLine', () => {
  it.each(ODD)('fits the schema with %j', (odd) => {
    const line = feedbackLine({ at: AT, 'event.id': uuidV7(), id: odd, actual: { [odd]: [odd, null] } });
    expect(line).not.toMatch(/[\n\r]/);
    expect(parsed(line)).toMatchObject({
      'event.action': 'feedback',
      id: odd,
      '@timestamp': '2026-03-01T10:00:00.005Z',
    });
  });
});

describe('roundMicros', () => {
  it('has three decimals and is never 0', () => {
    expect([0, 0.0001, 1.23456, 1e6].map(roundMicros)).toEqual([0.001, 0.001, 1.235, 1e6]);
  });
});
