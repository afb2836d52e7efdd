import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, silentLogger } from '../../kernel/logger.ts';
import { finishedSegments, readWritten, thisHost, type WriterLife } from './finished-segments.ts';
import type { IngestStore } from './ingest-store.ts';
import { Pace } from './pace.ts';
import { listSegments, type SegmentFile } from './segment-directory.ts';
import { type ReadLimits, SegmentReader } from './segment-reader.ts';

/** Told as it happens; what it throws ends the pass. */
export interface IngestObserver {
  /** Predictions and feedback that were ingested. */
  lines(count: number): void;
  tornLines(count: number): void;
  /** Bytes in the log that are not in the store yet. */
  lag(bytes: number): void;
}

export interface IngesterDeps {
  readonly directory: string;
  readonly store: IngestStore;
  readonly observer?: IngestObserver;
  readonly logger?: Logger;
  readonly writerLife?: WriterLife;
  readonly pace?: Pace;
  readonly options?: Partial<IngesterOptions>;
}

export interface IngesterOptions extends ReadLimits {
  /** Wait after a pass that found lines; doubled after each that found none, up to `slowestPollMs`. */
  readonly fastestPollMs: number;
  readonly slowestPollMs: number;
  /** Longest wait after a pass that failed. */
  readonly slowestRetryMs: number;
}

export interface IngestPass {
  /** Predictions and feedback that this pass ingested. */
  readonly lines: number;
  readonly lagBytes: number;
}

const DEFAULTS: IngesterOptions = {
  batchBytes: 1 << 18,
  lineBytes: 16 << 20,
  fastestPollMs: 50,
  slowestPollMs: 1000,
  slowestRetryMs: 10_000,
};

/**
 * Moves segments into the store, oldest first, each to its end. Any number may run beside each other, in one process
 * or in many: the store lets one of them take each batch.
 */
export class Ingester {
  readonly #deps: Required<Omit<IngesterDeps, 'options'>>;
  readonly #options: IngesterOptions;
  readonly #offsets = new Map<string, number>();
  #failing = false;

  constructor(deps: IngesterDeps) {
    const silent: IngestObserver = {
      lines: () => undefined,
      tornLines: () => undefined,
      lag: () => undefined,
    };
    this.#deps = { observer: silent, logger: silentLogger, writerLife: thisHost, pace: new Pace(), ...deps };
    this.#options = { ...DEFAULTS, ...deps.options };
  }

  /** One pass over what the log holds at its start. Throws what the store throws; what was ingested before stays. */
  async runOnce(signal?: AbortSignal): Promise<IngestPass> {
    const segments = await listSegments(this.#deps.directory);
    this.#forgetAllBut(segments);
    const tails = new Set<string>();
    let lines = 0;
    try {
      for (const segment of segments) {
        if (signal?.aborted) break;
        const ingested = await this.#ingestSegment(segment, signal, () => this.#lagOf(segments));
        lines += ingested.lines;
        if (ingested.hasTail) tails.add(segment.segmentId);
      }
      if (tails.size > 0) await this.#countTornTails(segments, tails);
    } finally {
      this.#deps.observer.lag(this.#lagOf(segments));
    }
    return { lines, lagBytes: this.#lagOf(segments) };
  }

  /** Passes until the signal, through any failure of the store; resolves at once when it comes. */
  async run(signal: AbortSignal): Promise<void> {
    const { fastestPollMs, slowestPollMs, slowestRetryMs } = this.#options;
    let waitMs = fastestPollMs;
    while (!signal.aborted) {
      const pass = await untilAborted(this.#attempt(signal), signal);
      if (pass === null) waitMs = Math.min(waitMs * 2, slowestRetryMs);
      else waitMs = pass.lines > 0 ? fastestPollMs : Math.min(waitMs * 2, slowestPollMs);
      await pause(waitMs, signal);
    }
  }

  /**
   * For the end of a process, after `run` and after the log was closed: passes until nothing more moves, or until the
   * deadline. The lag that is left stays in the log for the next process.
   */
  async drain(deadlineMs: number): Promise<IngestPass> {
    const signal = AbortSignal.timeout(deadlineMs);
    let lines = 0;
    while (!signal.aborted) {
      const before = this.#ingestedBytes();
      const pass = await untilAborted(this.#attempt(signal), signal);
      lines += pass?.lines ?? 0;
      if (pass !== null && (pass.lagBytes === 0 || this.#ingestedBytes() === before)) break;
      if (pass === null) await pause(this.#options.fastestPollMs, signal);
    }
    return { lines, lagBytes: this.#lagOf(await listSegments(this.#deps.directory)) };
  }

  /** Null when the pass failed, which is logged at the first failure of a row. */
  async #attempt(signal: AbortSignal): Promise<IngestPass | null> {
    try {
      const pass = await this.runOnce(signal);
      if (this.#failing) this.#deps.logger.info('ingestion goes on', { lag_bytes: pass.lagBytes });
      this.#failing = false;
      return pass;
    } catch (error) {
      if (!this.#failing) {
        this.#deps.logger.warn('ingestion waits: the log keeps everything until it goes on', { error });
      }
      this.#failing = true;
      return null;
    }
  }

  /** `hasTail`: what is left holds no newline. */
  async #ingestSegment(
    segment: SegmentFile,
    signal: AbortSignal | undefined,
    lag: () => number,
  ): Promise<{ lines: number; hasTail: boolean }> {
    let offset = await this.#offsetOf(segment.segmentId);
    let lines = 0;
    if (offset >= segment.bytes) return { lines, hasTail: false };
    const reader = await SegmentReader.open(segment.path, segment.segmentId, this.#options);
    try {
      while (offset < segment.bytes && !signal?.aborted) {
        const startedAt = performance.now();
        const batch = await reader.next(offset, segment.bytes);
        if (batch === null) return { lines, hasTail: true };
        if (await this.#deps.store.ingest(batch)) {
          offset = batch.to;
          this.#offsets.set(segment.segmentId, offset);
          lines += batch.predictions.length + batch.feedback.length;
          this.#deps.observer.lines(batch.predictions.length + batch.feedback.length);
          if (batch.tornLines > 0) this.#deps.observer.tornLines(batch.tornLines);
          const restMs = this.#deps.pace.restAfter(performance.now() - startedAt, lag());
          if (restMs > 0) await pause(restMs, signal);
        } else {
          this.#offsets.delete(segment.segmentId);
          const moved = await this.#offsetOf(segment.segmentId);
          if (moved === offset) break;
          offset = moved;
        }
      }
    } finally {
      await reader.close();
    }
    return { lines, hasTail: false };
  }

  /**
   * What is left behind the last newline of a finished segment is a line that its writer did not live to end: counted
   * once, and passed over. That the segment is finished is found out first, and only then that it has not grown.
   */
  async #countTornTails(segments: readonly SegmentFile[], tails: ReadonlySet<string>): Promise<void> {
    const finished = finishedSegments(await readWritten(segments), this.#deps.writerLife);
    for (const { segmentId, path, bytes } of segments) {
      if (!tails.has(segmentId) || !finished.has(segmentId) || (await stat(path)).size !== bytes) continue;
      const from = await this.#offsetOf(segmentId);
      const tail = { segmentId, from, to: bytes, predictions: [], feedback: [], tornLines: 1 };
      if (!(await this.#deps.store.ingest(tail))) continue;
      this.#offsets.set(segmentId, bytes);
      this.#deps.observer.tornLines(1);
    }
  }

  async #offsetOf(segmentId: string): Promise<number> {
    const offset = this.#offsets.get(segmentId) ?? (await this.#deps.store.offsetOf(segmentId));
    this.#offsets.set(segmentId, offset);
    return offset;
  }

  #forgetAllBut(segments: readonly SegmentFile[]): void {
    const ids = new Set(segments.map((segment) => segment.segmentId));
    for (const id of this.#offsets.keys()) if (!ids.has(id)) this.#offsets.delete(id);
  }

  #lagOf(segments: readonly SegmentFile[]): number {
    let bytes = 0;
    for (const one of segments) bytes += Math.max(0, one.bytes - (this.#offsets.get(one.segmentId) ?? 0));
    return bytes;
  }

  #ingestedBytes(): number {
    let bytes = 0;
    for (const offset of this.#offsets.values()) bytes += offset;
    return bytes;
  }
}

/** The work itself goes on, but nobody waits for it: a store that hangs must not hold up the end of a process. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<null>((resolve) => {
    onAbort = () => resolve(null);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal && { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
