import { hostname } from 'node:os';
import { timeOfUuidV7 } from '../../kernel/ids.ts';
import { isClosed, readWriter, type SegmentFile, type SegmentWriter } from './segment-directory.ts';

const HOUR_MS = 3_600_000;
/** A writer writes its header in the moment in which it creates the file. */
const HEADERLESS_MS = HOUR_MS;
/** Whether a process of another host lives cannot be asked; a pod that was killed must not keep its log for ever. */
const SILENT_ELSEWHERE_MS = 7 * 24 * HOUR_MS;

export interface WrittenSegment extends SegmentFile {
  /** Null when the first line is no header. */
  readonly writer: SegmentWriter | null;
  readonly closed: boolean;
}

export interface WriterLife {
  readonly host: string;
  isAlive(pid: number): boolean;
  /** Unix milliseconds. */
  now(): number;
}

/**
 * Ids of the segments to which nobody will append again. One of these must hold, since a writer never goes back to a
 * segment: it wrote the closing line; its process, on this host, is dead; the same process id on the same host has a
 * newer segment (a container's pid 1 after a restart looks alive); it is of another host and was silent for seven
 * days; or it is an hour old and has no header, so that its writer died in the moment of its birth.
 */
export function finishedSegments(segments: readonly WrittenSegment[], life: WriterLife): Set<string> {
  const finished = new Set<string>();
  const seenNewer = new Set<string>();
  for (const segment of segments.toSorted((a, b) => (a.segmentId < b.segmentId ? 1 : -1))) {
    if (segment.closed || isAbandoned(segment, seenNewer, life)) finished.add(segment.segmentId);
    if (segment.writer !== null) seenNewer.add(keyOf(segment.writer));
  }
  return finished;
}

function isAbandoned(segment: WrittenSegment, seenNewer: ReadonlySet<string>, life: WriterLife): boolean {
  const { writer } = segment;
  if (writer === null) return life.now() - (timeOfUuidV7(segment.segmentId) ?? 0) > HEADERLESS_MS;
  if (seenNewer.has(keyOf(writer))) return true;
  if (writer.host === life.host) return !life.isAlive(writer.pid);
  return life.now() - segment.modifiedAt > SILENT_ELSEWHERE_MS;
}

function keyOf(writer: SegmentWriter): string {
  return `${writer.pid} ${writer.host}`;
}

/** Reads the first and the last line of each segment. */
export async function readWritten(segments: readonly SegmentFile[]): Promise<WrittenSegment[]> {
  const written: WrittenSegment[] = [];
  for (const segment of segments) {
    written.push({ ...segment, writer: await readWriter(segment), closed: await isClosed(segment) });
  }
  return written;
}

export const thisHost: WriterLife = {
  host: hostname(),
  now: () => Date.now(),
  isAlive(pid) {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // EPERM: it lives, and belongs to somebody else.
      return !(error instanceof Error && Reflect.get(error, 'code') === 'ESRCH');
    }
  },
};
