import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { FeedbackLine, PredictionLine } from '../../src/contracts/log-record.ts';
import { uuidV7 } from '../../src/kernel/ids.ts';
import type { Logged } from '../../src/watching/ingestion/ingest-store.ts';

export function aPrediction(change: Partial<PredictionLine> = {}): PredictionLine {
  return {
    '@timestamp': '2026-03-01T10:00:00.000Z',
    schema: 1,
    'event.action': 'prediction',
    'event.id': uuidV7(),
    'event.outcome': 'ok',
    revision: 3,
    'trace.id': '4bf92f3577b34da6a3ce929d0e0e4736',
    model: 'sales',
    model_version: '1.2.0',
    endpoint: 'sales',
    arm: 'stable',
    dialect: 'native',
    input: { store: 7, price: 12.5, note: null },
    prediction: 'high',
    probabilities: { low: 0.25, high: 0.75 },
    confidence: 0.75,
    latency_ms: 1.25,
    status: 200,
    transform_hash: null,
    ...change,
  };
}

export function someFeedback(change: Partial<FeedbackLine> = {}): FeedbackLine {
  return {
    '@timestamp': '2026-03-02T10:00:00.000Z',
    schema: 1,
    'event.action': 'feedback',
    'event.id': uuidV7(),
    actual: 'low',
    ...change,
  };
}

/** Lines as ingestion hands them on: read, and as they stand in the log. */
export function logged<Line>(lines: readonly Line[]): readonly Logged<Line>[] {
  return lines.map((line) => ({ line, text: JSON.stringify(line) }));
}

/** A UUIDv7 of any time, with a chosen end, for ids that must not follow the clock. */
export function idAt(atMs: number, end: number): string {
  const time = atMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${end.toString(16).padStart(12, '0')}`;
}

export interface SegmentContent {
  readonly segmentId?: string;
  readonly pid?: number;
  readonly host?: string;
  readonly lines?: readonly unknown[];
  readonly closed?: boolean;
  /** Written at the end as it is, without a newline. */
  readonly tail?: string | Buffer;
}

/** Writes one segment file, header first. Strings among the lines are written as they are. */
export async function writeSegment(directory: string, content: SegmentContent = {}): Promise<string> {
  const segmentId = content.segmentId ?? uuidV7();
  const edge = { '@timestamp': '2026-03-01T10:00:00.000Z', schema: 1, 'segment.id': segmentId };
  const header = {
    ...edge,
    'event.action': 'segment.opened',
    'process.pid': content.pid ?? process.pid,
    'host.name': content.host ?? hostname(),
    'service.version': '0.1.0',
  };
  const lines = [header, ...(content.lines ?? [])];
  if (content.closed === true) lines.push({ ...edge, 'event.action': 'segment.closed' });
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  const bytes = Buffer.concat([Buffer.from(text), Buffer.from(content.tail ?? '')]);
  await writeFile(join(directory, `predictions-${segmentId}.log`), bytes);
  return segmentId;
}
