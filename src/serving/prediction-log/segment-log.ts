import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { LOG_SCHEMA } from '../../contracts/log-record.ts';
import { ByteText } from '../../kernel/byte-text.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, messageOf } from '../../kernel/errors.ts';
import { uuidV7 } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { PredictionLog } from './prediction-log.ts';

export interface SegmentLogOptions {
  readonly directory: string;
  readonly segmentBytes: number;
  readonly fsync: 'never' | 'interval' | 'group';
  readonly fsyncIntervalMs: number;
  readonly serviceVersion: string;
}

/** Lines that are written together. */
interface Group {
  /** Each with its newline. */
  readonly lines: ByteText;
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: AppError) => void;
}

interface Segment {
  readonly id: string;
  readonly fd: number;
  bytes: number;
}

const writeAsync = promisify(write);
const syncAsync = promisify(fdatasync);
const closeAsync = promisify(close);
const CURRENT = 'predictions.log';
const REOPEN_AFTER_MS = 250;
const RETRY_MS = 1_000;
const SLOW_WRITE_MS = 20;
const SLOW_FOR_MS = 10_000;

/**
 * One process's segments of the prediction log: `predictions-<segment id>.log`, created exclusively, header line
 * first, never written again after a failed write, never renamed; `predictions.log` links to the newest. A torn line
 * can only be the last of its segment.
 */
export class SegmentLog implements PredictionLog {
  readonly #options: SegmentLogOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #segment: Segment | null = null;
  #next: Group | null = null;
  /** A buffer that nobody uses, kept for the next group. */
  #spare: ByteText | null = null;
  #writing: Promise<void> | null = null;
  #dirty = false;
  #timer: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  #failure: { readonly since: number; readonly reason: string } | null = null;
  #triedAt = Number.NEGATIVE_INFINITY;
  #slowUntil = Number.NEGATIVE_INFINITY;

  constructor(options: SegmentLogOptions, clock: Clock, logger: Logger) {
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    if (options.fsync === 'interval') {
      this.#timer = setInterval(() => void this.#syncIfDirty(), options.fsyncIntervalMs);
      this.#timer.unref();
    }
  }

  get failure(): { readonly since: number; readonly reason: string } | null {
    return this.#failure;
  }

  /** Opens the first segment, so that a log that cannot be written shows before the first request. */
  open(): void {
    try {
      this.#segment = this.#openSegment();
    } catch (error) {
      this.#fail(error);
    }
  }

  append(line: string): Promise<void> {
    if (this.#next === null) {
      this.#next = newGroup(this.#spare ?? new ByteText());
      this.#spare = null;
      if (this.#writing === null) process.nextTick(() => this.#startWriting());
    }
    this.#next.lines.add(`${line}\n`);
    return this.#next.written;
  }

  /** Writes what is left and closes the segment; nothing may be appended any more. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#retry !== null) clearTimeout(this.#retry);
    while (this.#next !== null || this.#writing !== null) {
      this.#startWriting();
      await this.#writing;
    }
    if (this.#segment !== null) await this.#closeSegment(this.#segment);
    this.#segment = null;
  }

  /** Starts again at its end: a line may come between the last look for one and the end. */
  #startWriting(): void {
    if (this.#writing !== null || this.#next === null) return;
    this.#writing = this.#writeGroups().then(() => {
      this.#writing = null;
      this.#startWriting();
    });
  }

  async #writeGroups(): Promise<void> {
    for (let group = this.#next; group !== null; group = this.#next) {
      this.#next = null;
      try {
        await this.#writeGroup(group.lines.content());
        group.resolve();
      } catch (error) {
        group.reject(this.#fail(error));
      }
      this.#spare = group.lines.emptied();
    }
  }

  async #writeGroup(content: Buffer): Promise<void> {
    const segment = this.#writableSegment();
    if (this.#clock.elapsed() < this.#slowUntil) await writeAll(segment.fd, content);
    else this.#writeAtOnce(segment.fd, content);
    segment.bytes += content.length;
    this.#dirty = true;
    if (this.#options.fsync === 'group') await syncAsync(segment.fd);
    this.#recovered();
    if (segment.bytes >= this.#options.segmentBytes) {
      this.#segment = null;
      await this.#closeSegment(segment);
    }
  }

  /**
   * A write to the page cache takes microseconds, and a trip through the thread pool takes the answers of a turn apart:
   * throughput with it is half. A disk that is found slow gets the thread pool for a while, so that it does not hold up
   * the event loop.
   */
  #writeAtOnce(fd: number, content: Buffer): void {
    const start = this.#clock.elapsed();
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at, content.length - at);
    if (this.#clock.elapsed() - start > SLOW_WRITE_MS) this.#slowUntil = this.#clock.elapsed() + SLOW_FOR_MS;
  }

  #writableSegment(): Segment {
    if (this.#segment !== null) return this.#segment;
    const now = this.#clock.elapsed();
    if (this.#failure !== null && now - this.#triedAt < REOPEN_AFTER_MS)
      throw new Error(this.#failure.reason);
    this.#triedAt = now;
    this.#segment = this.#openSegment();
    return this.#segment;
  }

  /** Synchronous: it happens once a segment, and nothing may be answered meanwhile anyway. */
  #openSegment(): Segment {
    const { directory } = this.#options;
    mkdirSync(directory, { recursive: true });
    const id = uuidV7(this.#clock.now());
    const name = `predictions-${id}.log`;
    const file = path.join(directory, name);
    const fd = openSync(file, 'wx', 0o640);
    try {
      const header = Buffer.from(`${this.#headerLine(id)}\n`);
      if (writeSync(fd, header) !== header.length)
        throw new Error('ENOSPC: the header could not be written whole');
      pointCurrentTo(directory, name, id);
      return { id, fd, bytes: header.length };
    } catch (error) {
      closeSync(fd);
      rmSync(file, { force: true });
      throw error;
    }
  }

  #headerLine(id: string): string {
    return JSON.stringify({
      '@timestamp': new Date(this.#clock.now()).toISOString(),
      'event.action': 'segment.opened',
      'segment.id': id,
      'process.pid': process.pid,
      'host.name': hostname(),
      'service.version': this.#options.serviceVersion,
      schema: LOG_SCHEMA,
    });
  }

  async #closeSegment(segment: Segment): Promise<void> {
    const footer = JSON.stringify({
      '@timestamp': new Date(this.#clock.now()).toISOString(),
      'event.action': 'segment.closed',
      'segment.id': segment.id,
      schema: LOG_SCHEMA,
    });
    try {
      writeSync(segment.fd, `${footer}\n`);
      if (this.#options.fsync !== 'never') fdatasyncSync(segment.fd);
    } catch (error) {
      this.#logger.warn('A segment of the prediction log was left without its last line', { error });
    } finally {
      await closeAsync(segment.fd);
    }
  }

  /** Tries without a request too: a replica that is out of rotation gets none. */
  #retryLater(): void {
    if (this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      if (this.#failure === null || this.#segment !== null) return;
      try {
        this.#segment = this.#openSegment();
        this.#recovered();
      } catch {
        this.#retryLater();
      }
    }, RETRY_MS);
    this.#retry.unref();
  }

  #recovered(): void {
    if (this.#failure === null) return;
    this.#failure = null;
    this.#logger.info('The prediction log can be written again', { 'event.action': 'log.recovered' });
  }

  async #syncIfDirty(): Promise<void> {
    if (!this.#dirty || this.#segment === null) return;
    this.#dirty = false;
    await syncAsync(this.#segment.fd).catch((error: unknown) =>
      this.#logger.warn('fsync of the prediction log failed', { error }),
    );
  }

  /** The segment is left as it is: what follows a torn line would be glued to it. */
  #fail(cause: unknown): AppError {
    if (this.#segment !== null) {
      const { fd } = this.#segment;
      this.#segment = null;
      closeAsync(fd).catch((error: unknown) =>
        this.#logger.warn('A segment of the prediction log could not be closed', { error }),
      );
    }
    this.#retryLater();
    if (this.#failure === null) {
      this.#failure = { since: this.#clock.now(), reason: messageOf(cause) };
      this.#logger.error('The prediction log cannot be written', {
        'event.action': 'log.unwritable',
        error: cause,
      });
    }
    return new AppError('LOG_UNWRITABLE', 'The prediction log cannot be written, so nothing is answered', {
      cause,
      retryAfterSeconds: 5,
    });
  }
}

async function writeAll(fd: number, content: Buffer): Promise<void> {
  for (let at = 0; at < content.length; ) {
    const { bytesWritten } = await writeAsync(fd, content, at, content.length - at, null);
    at += bytesWritten;
  }
}

function newGroup(lines: ByteText): Group {
  const group = deferred();
  group.promise.catch(() => undefined);
  return { lines, written: group.promise, resolve: group.resolve, reject: group.reject };
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

function pointCurrentTo(directory: string, name: string, id: string): void {
  const staged = path.join(directory, `.${CURRENT}.${id}`);
  symlinkSync(name, staged);
  renameSync(staged, path.join(directory, CURRENT));
}
