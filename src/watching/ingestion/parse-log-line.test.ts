import { expect, it } from 'vitest';
import { aPrediction, someFeedback } from '../../../test/support/log-lines.ts';
import { logLine } from '../../contracts/log-record.ts';
import { parseLogLine } from './parse-log-line.ts';

const edge = { '@timestamp': '2026-03-01T10:00:00Z', schema: 1, 'segment.id': 'x' };

it.each([
  aPrediction(),
  aPrediction({ probabilities: null, confidence: null, 'error.code': 'INPUT_INVALID', id: 'a', key: 'b' }),
  someFeedback({ actual: null }),
  someFeedback({ prediction_id: 'anything', id: 'a', timestamp: 'yesterday' }),
  { ...edge, 'event.action': 'segment.opened', 'process.pid': 1, 'host.name': 'h', 'service.version': '1' },
  { ...edge, 'event.action': 'segment.closed' },
])('reads %j', (line) => {
  expect(parseLogLine(JSON.stringify(line))).toEqual(line);
});

it('keeps fields that a later writer adds', () => {
  const line = { ...aPrediction(), 'something.new': [1] };
  expect(parseLogLine(JSON.stringify(line))).toEqual(line);
});

const wrong: Record<string, unknown> = {
  schema: 2,
  '@timestamp': 5,
  'event.id': '00000000-0000-4000-8000-000000000000',
  'event.outcome': 'maybe',
  'event.action': 'guess',
  revision: 1.5,
  'trace.id': null,
  model: 7,
  model_version: 1,
  endpoint: undefined,
  arm: [],
  dialect: {},
  probabilities: { low: 'much' },
  confidence: 'high',
  latency_ms: null,
  status: '200',
  'error.code': 1,
  transform_hash: undefined,
  id: 12,
  key: null,
  timestamp: 5,
};
it.each(Object.keys(wrong))('refuses a prediction whose %s is not right, as the schema does', (field) => {
  const line = { ...aPrediction(), [field]: wrong[field] };
  expect(parseLogLine(JSON.stringify(line))).toBeNull();
  if (field !== 'event.id') expect(logLine.safeParse(line).success).toBe(false);
});

it.each(['schema', '@timestamp', 'event.id', 'id', 'timestamp'])(
  'refuses feedback with a wrong %s',
  (field) => {
    expect(parseLogLine(JSON.stringify({ ...someFeedback(), [field]: wrong[field] }))).toBeNull();
  },
);

it.each([
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '{}',
  JSON.stringify(aPrediction()).slice(0, -9),
  JSON.stringify(aPrediction()) + JSON.stringify(aPrediction()),
  JSON.stringify(aPrediction()).replace('1.25', '1e999'),
  JSON.stringify(someFeedback()).replace('"low"', '1').replace('actual', 'actuel'),
  `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
])('answers null for line %#', (text) => {
  expect(parseLogLine(text)).toBeNull();
});
