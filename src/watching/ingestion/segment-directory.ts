import { open, readdir, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { timeOfUuidV7 } from '../../kernel/ids.ts';
import { parseLogLine } from './parse-log-line.ts';

const SEGMENT_NAME = /^predictions-([0-9a-f-]{36})\.log$/;
const CURRENT_LINK = 'predictions.log';
/** More than any header or closing line has. */
const EDGE_BYTES = 4096;

export interface SegmentFile {
  readonly segmentId: string;
  readonly path: string;
  readonly bytes: number;
  /** Unix milliseconds of the last write. */
  readonly modifiedAt: number;
}

export interface SegmentWriter {
  readonly pid: number;
  readonly host: string;
}

/** The segments of a log directory, oldest first; none when there is no directory yet. */
export async function listSegments(directory: string): Promise<SegmentFile[]> {
  const names = await ifThere(readdir(directory));
  const segments: SegmentFile[] = [];
  for (const name of names?.sort() ?? []) {
    const segmentId = SEGMENT_NAME.exec(name)?.[1];
    if (segmentId === undefined || timeOfUuidV7(segmentId) === null) continue;
    const path = join(directory, name);
    // Gone between the listing and here: another process expired it.
    const file = await ifThere(stat(path));
    if (file !== null) segments.push({ segmentId, path, bytes: file.size, modifiedAt: file.mtimeMs });
  }
  return segments;
}

/** Id of the segment that `predictions.log` links to, which shippers may be reading; null without a link. */
export async function currentSegmentId(directory: string): Promise<string | null> {
  const target = await ifThere(readlink(join(directory, CURRENT_LINK)));
  return target === null ? null : (SEGMENT_NAME.exec(basename(target))?.[1] ?? null);
}

/** Who wrote the segment, from its first line; null while that line is not whole, or when it is no header. */
export async function readWriter(segment: SegmentFile): Promise<SegmentWriter | null> {
  const text = await readEdge(segment, 0);
  const end = text.indexOf('\n');
  const line = end === -1 ? null : parseLogLine(text.slice(0, end));
  if (line?.['event.action'] !== 'segment.opened') return null;
  return { pid: line['process.pid'], host: line['host.name'] };
}

/** True when the last line says that the writer closed the segment. */
export async function isClosed(segment: SegmentFile): Promise<boolean> {
  const text = await readEdge(segment, Math.max(0, segment.bytes - EDGE_BYTES));
  if (!text.endsWith('\n')) return false;
  const start = text.lastIndexOf('\n', text.length - 2) + 1;
  return parseLogLine(text.slice(start, -1))?.['event.action'] === 'segment.closed';
}

async function readEdge(segment: SegmentFile, from: number): Promise<string> {
  const file = await ifThere(open(segment.path));
  if (file === null) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(EDGE_BYTES), 0, EDGE_BYTES, from);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function ifThere<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return null;
    throw error;
  }
}
