import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is written to a connection, piece by piece, with a pause after each. */
export interface Sent {
  readonly pieces: Iterable<Buffer | string>;
  readonly pauseMs?: number;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface Exchange {
  /** The answers in order; interim ones (1xx) are left out. */
  readonly answers: readonly RawAnswer[];
  /** Everything that came back. */
  readonly bytes: Buffer;
  readonly isCutOff: boolean;
  /** What the connection ended with, when it was not an orderly end. */
  readonly error: string | null;
}

const NO_END_MS = 20_000;
/** Who is answered before all is sent stops sending, and goes when the answer is in. */
const ANSWERED_EARLY_MS = 200;

/** Writes bytes as they are and reads until the server closes the connection. */
export function exchange(port: number, sent: Sent, { isHead = false } = {}): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const chunks: Buffer[] = [];
    let error: string | null = null;
    let ended = false;
    const late = setTimeout(() => {
      error = `no end after ${NO_END_MS} ms`;
      socket.destroy();
    }, NO_END_MS);
    socket.on('connect', () => void writeAll());
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (reason: NodeJS.ErrnoException) => {
      error ??= reason.code ?? reason.message;
    });
    socket.on('end', () => {
      ended = true;
      socket.end();
    });
    socket.on('close', () => {
      ended = true;
      clearTimeout(late);
      const bytes = Buffer.concat(chunks);
      resolve({ ...parseAnswers(bytes, isHead), bytes, error });
    });

    async function writeAll(): Promise<void> {
      for (const piece of sent.pieces) {
        if (ended || socket.destroyed) return;
        if (chunks.length > 0) return void setTimeout(() => socket.end(), ANSWERED_EARLY_MS);
        if (!socket.write(piece)) await drained();
        if (sent.pauseMs !== undefined) await sleep(sent.pauseMs);
      }
    }

    function drained(): Promise<void> {
      return new Promise((go) => {
        const events = ['drain', 'close', 'data', 'end'];
        const done = (): void => {
          for (const event of events) socket.off(event, done);
          go();
        };
        for (const event of events) socket.on(event, done);
      });
    }
  });
}

/** Answers with content-length, chunks, or up to the end of the connection. */
function parseAnswers(bytes: Buffer, isHead: boolean): { answers: RawAnswer[]; isCutOff: boolean } {
  const answers: RawAnswer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    const [first = '', ...lines] = bytes
      .toString('latin1', at, headEnd === -1 ? bytes.length : headEnd)
      .split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
    if (headEnd === -1 || Number.isNaN(status)) return { answers, isCutOff: true };
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    at = headEnd + 4;
    if (status < 200) continue;
    // Who answers 408 has not read the request, and cannot know that it is a HEAD.
    const length =
      (isHead && status !== 408) || status === 204 || status === 304
        ? 0
        : Number(headers.get('content-length') ?? -1);
    let body: string;
    if (length >= 0) {
      if (at + length > bytes.length) return { answers, isCutOff: true };
      body = bytes.toString('utf8', at, at + length);
      at += length;
    } else {
      body = bytes.toString('utf8', at);
      at = bytes.length;
    }
    answers.push({ status, headers, body });
  }
  return { answers, isCutOff: false };
}
