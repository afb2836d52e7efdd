import { type FileHandle, open } from 'node:fs/promises';
import type { FeedbackLine, PredictionLine } from '../../contracts/log-record.ts';
import type { Logged, SegmentBatch } from './ingest-store.ts';
import { parseLogLine } from './parse-log-line.ts';

const NEWLINE = 0x0a;

export interface ReadLimits {
  /** Bytes of one batch. */
  readonly batchBytes: number;
  /** A line longer than a batch is read alone up to this; past it, it is skipped and counted as torn. */
  readonly lineBytes: number;
}

/** Reads whole lines of one segment. Cut at newlines, so no character is ever torn apart. */
export class SegmentReader {
  readonly #file: FileHandle;
  readonly #segmentId: string;
  readonly #limits: ReadLimits;

  private constructor(file: FileHandle, segmentId: string, limits: ReadLimits) {
    this.#file = file;
    this.#segmentId = segmentId;
    this.#limits = limits;
  }

  static async open(path: string, segmentId: string, limits: ReadLimits): Promise<SegmentReader> {
    return new SegmentReader(await open(path), segmentId, limits);
  }

  /**
   * The whole lines that begin at byte `from`, up to byte `until`; null when there is none. A last line without a
   * newline is still being written, or torn: it is left where it is.
   */
  async next(from: number, until: number): Promise<SegmentBatch | null> {
    const bytes = await this.#read(from, Math.min(until, from + this.#limits.batchBytes));
    let end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) return this.#batch(from, bytes.subarray(0, end));
    if (from + bytes.length >= until) return null;
    end = await this.#endOfLongLine(from + bytes.length, until);
    if (end === 0) return null;
    if (end - from > this.#limits.lineBytes) {
      return { segmentId: this.#segmentId, from, to: end, predictions: [], feedback: [], tornLines: 1 };
    }
    return this.#batch(from, await this.#read(from, end));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #batch(from: number, bytes: Buffer): SegmentBatch {
    const predictions: Logged<PredictionLine>[] = [];
    const feedback: Logged<FeedbackLine>[] = [];
    let tornLines = 0;
    for (const text of bytes.toString('utf8', 0, bytes.length - 1).split('\n')) {
      const line = parseLogLine(text);
      if (line === null) tornLines += 1;
      else if (line['event.action'] === 'prediction') predictions.push({ line, text });
      else if (line['event.action'] === 'feedback') feedback.push({ line, text });
    }
    return { segmentId: this.#segmentId, from, to: from + bytes.length, predictions, feedback, tornLines };
  }

  async #endOfLongLine(from: number, until: number): Promise<number> {
    for (let at = from; at < until; ) {
      const bytes = await this.#read(at, Math.min(until, at + this.#limits.batchBytes));
      if (bytes.length === 0) return 0;
      const newline = bytes.indexOf(NEWLINE);
      if (newline !== -1) return at + newline + 1;
      at += bytes.length;
    }
    return 0;
  }

  /** Shorter than asked only at the end of the file. */
  async #read(from: number, to: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#file.read(buffer, filled, buffer.length - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }
}
