import { unlink } from 'node:fs/promises';
import { finishedSegments, readWritten, thisHost, type WriterLife } from './finished-segments.ts';
import type { IngestStore } from './ingest-store.ts';
import { currentSegmentId, listSegments } from './segment-directory.ts';

const DAY_MS = 86_400_000;

export interface SegmentState {
  readonly segmentId: string;
  readonly bytes: number;
  /** Unix milliseconds of the last write. */
  readonly modifiedAt: number;
  /** Everything in it is in the store. */
  readonly ingested: boolean;
  /** Nobody will append to it again. */
  readonly finished: boolean;
  /** `predictions.log` links to it. */
  readonly current: boolean;
}

export interface SegmentRetention {
  readonly maxAgeDays: number;
  /** For all segments together. */
  readonly maxBytes: number;
}

/**
 * Ids to delete, oldest first: what was last written longer ago than the age, and then as many as bring the total
 * down to the bytes. A segment that is still needed stays past both limits, since nothing else has its lines.
 */
export function segmentsToExpire(
  segments: readonly SegmentState[],
  { now, maxAgeDays, maxBytes }: SegmentRetention & { readonly now: number },
): string[] {
  let total = 0;
  for (const segment of segments) total += segment.bytes;
  const expired: string[] = [];
  for (const segment of segments.toSorted((a, b) => (a.segmentId < b.segmentId ? -1 : 1))) {
    if (!segment.ingested || !segment.finished || segment.current) continue;
    if (now - segment.modifiedAt <= maxAgeDays * DAY_MS && total <= maxBytes) continue;
    expired.push(segment.segmentId);
    total -= segment.bytes;
  }
  return expired;
}

export interface ExpiryDeps {
  readonly directory: string;
  readonly store: Pick<IngestStore, 'offsetOf'>;
  readonly writerLife?: WriterLife;
}

/** Deletes what the retention says and answers with the ids. The store keeps the offsets, so none is read twice. */
export async function expireSegments(deps: ExpiryDeps, retention: SegmentRetention): Promise<string[]> {
  const life = deps.writerLife ?? thisHost;
  const segments = await readWritten(await listSegments(deps.directory));
  const finished = finishedSegments(segments, life);
  const current = await currentSegmentId(deps.directory);
  const states: SegmentState[] = [];
  for (const { segmentId, bytes, modifiedAt } of segments) {
    const ingested = (await deps.store.offsetOf(segmentId)) >= bytes;
    states.push({
      segmentId,
      bytes,
      modifiedAt,
      ingested,
      finished: finished.has(segmentId),
      current: segmentId === current,
    });
  }
  const expired = segmentsToExpire(states, { ...retention, now: life.now() });
  const paths = new Map(segments.map(({ segmentId, path }) => [segmentId, path]));
  for (const id of expired) await unlink(paths.get(id) ?? '');
  return expired;
}
