import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from '@photostructure/sqlite';

/** What the prediction log holds. */
export interface LogEvidence {
  /** How often each prediction or feedback id has a line. */
  readonly lines: ReadonlyMap<string, number>;
  /** Answered predictions by id, as they were logged. */
  readonly predictions: ReadonlyMap<string, { readonly input?: unknown; readonly prediction?: unknown }>;
  /** Lines that are no JSON; each must be the last of its segment. */
  readonly torn: number;
  readonly tornInside: number;
  readonly segments: number;
}

export function readLog(directory: string): LogEvidence {
  const lines = new Map<string, number>();
  const predictions = new Map<string, { input?: unknown; prediction?: unknown }>();
  let torn = 0;
  let tornInside = 0;
  const files = segmentFiles(directory);
  for (const file of files) {
    const texts = readFileSync(file, 'utf8').split('\n');
    const tail = texts.pop() ?? '';
    if (tail !== '') torn++;
    for (const text of texts) {
      try {
        const line = JSON.parse(text);
        const action = line['event.action'];
        if (action !== 'prediction' && action !== 'feedback') continue;
        lines.set(line['event.id'], (lines.get(line['event.id']) ?? 0) + 1);
        if (action === 'prediction') predictions.set(line['event.id'], line);
      } catch {
        tornInside++;
      }
    }
  }
  return { lines, predictions, torn, tornInside, segments: files.length };
}

/** How often each prediction or feedback id is in the store. */
export function readStore(workingDirectory: string): ReadonlyMap<string, number> {
  const database = new DatabaseSync(storePath(workingDirectory), { readOnly: true, timeout: 5_000 });
  try {
    const counted = new Map<string, number>();
    const rows = database
      .prepare('select prediction_id as id from predictions union all select feedback_id from feedback')
      .all() as { id: string }[];
    for (const { id } of rows) counted.set(id, (counted.get(id) ?? 0) + 1);
    return counted;
  } finally {
    database.close();
  }
}

/** Waits until the store's offsets have reached the end of every segment; false when they never do. */
export async function waitUntilIngested(workingDirectory: string, withinMs = 30_000): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    if (missingBytes(workingDirectory) === 0) return true;
    await sleep(100);
  }
  return false;
}

/** Takes the store for itself alone, as a backup or a careless script would; the function gives it back. */
export function lockStore(workingDirectory: string): () => void {
  const database = new DatabaseSync(storePath(workingDirectory), { timeout: 5_000 });
  database.exec('begin exclusive');
  return () => {
    database.exec('rollback');
    database.close();
  };
}

/** What is wrong between the ids that callers were given, the log and the store. */
export function compare(
  answered: Iterable<string>,
  log: LogEvidence,
  store: ReadonlyMap<string, number>,
): { readonly notLogged: string[]; readonly notOnceLogged: string[]; readonly notOnceStored: string[] } {
  const notLogged: string[] = [];
  for (const id of answered) if (!log.lines.has(id)) notLogged.push(id);
  const notOnceLogged = [...log.lines].filter(([, count]) => count !== 1).map(([id, n]) => `${id} ${n}x`);
  const notOnceStored: string[] = [];
  for (const id of log.lines.keys())
    if (store.get(id) !== 1) notOnceStored.push(`${id} ${store.get(id) ?? 0}x`);
  for (const id of store.keys()) if (!log.lines.has(id)) notOnceStored.push(`${id} only in the store`);
  return { notLogged, notOnceLogged, notOnceStored };
}

function missingBytes(workingDirectory: string): number {
  const database = new DatabaseSync(storePath(workingDirectory), { readOnly: true, timeout: 5_000 });
  try {
    const rows = database.prepare('select segment_id, byte_offset from segments').all() as {
      segment_id: string;
      byte_offset: number;
    }[];
    const offsets = new Map(rows.map((row) => [row.segment_id, Number(row.byte_offset)]));
    let missing = 0;
    for (const file of segmentFiles(path.join(workingDirectory, 'logs'))) {
      const id = path.basename(file).slice('predictions-'.length, -'.log'.length);
      missing += Math.max(0, statSync(file).size - (offsets.get(id) ?? 0));
    }
    return missing;
  } finally {
    database.close();
  }
}

function segmentFiles(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^predictions-.+\.log$/.test(name))
    .sort()
    .map((name) => path.join(directory, name));
}

function storePath(workingDirectory: string): string {
  return path.join(workingDirectory, '.slipway/slipway.db');
}
