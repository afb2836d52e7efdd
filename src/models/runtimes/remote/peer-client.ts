import { errors, Pool } from 'undici';
import type { z } from 'zod';
import { messageOf } from '../../../kernel/errors.ts';
import type { InferBody } from './infer-request.ts';
import type { InferAnswer } from './infer-response.ts';
import { faultOfStatus, PeerFault } from './peer-fault.ts';
import { pathOf, type RemotePlace } from './remote-file.ts';

export interface PeerClientOptions {
  readonly connectTimeoutMs: number;
  readonly connections: number;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
}

interface PeerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;
/** What of an error's body goes to the log. */
const SAID_LENGTH = 500;
const LONGEST_RETRY_AFTER_MS = 60_000;

/** What undici throws of bytes that came and are no answer. */
const GARBLED = [errors.HTTPParserError, errors.HeadersOverflowError, errors.ResponseExceededMaxSizeError];

/**
 * Requests to one server, on connections that are kept. Each ends when its signal does, whatever the server sends and
 * however slowly; redirects are not followed. Fails with a `PeerFault`.
 */
export class PeerClient {
  readonly #place: RemotePlace;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #pool: Pool;
  readonly #model: string;
  readonly #server: string;

  constructor(place: RemotePlace, { connectTimeoutMs, connections, headers }: PeerClientOptions) {
    const { origin, pathname } = new URL(place.url);
    this.#place = place;
    this.#headers = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    this.#model = pathOf(place);
    this.#server = `${pathname.replace(/\/$/, '')}/v2`;
    this.#pool = new Pool(origin, {
      connections,
      maxResponseSize: ANSWER_LIMIT_BYTES,
      // The signal of a request says when it ends as a whole; these would end one part of it.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: connectTimeoutMs },
    });
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  /** What the server says of itself. */
  server<Output>(schema: z.ZodType<Output>, signal: AbortSignal): Promise<Output> {
    return this.#described(this.#server, schema, signal);
  }

  /** What it says of the model; `part` is '' or '/config'. */
  model<Output>(part: '' | '/config', schema: z.ZodType<Output>, signal: AbortSignal): Promise<Output> {
    return this.#described(`${this.#model}${part}`, schema, signal);
  }

  /** Succeeds where the model can be asked. */
  async ready(signal: AbortSignal): Promise<void> {
    requireSuccess(await this.#ask('GET', `${this.#model}/ready`, {}, null, signal));
  }

  async infer({ headers, body }: InferBody, signal: AbortSignal): Promise<InferAnswer> {
    const answer = await this.#ask('POST', `${this.#model}/infer`, headers, body, signal);
    requireSuccess(answer);
    const length = answer.headers['inference-header-content-length'];
    return { body: answer.body, jsonLength: length === undefined ? null : Number(length) };
  }

  async #described<Output>(path: string, schema: z.ZodType<Output>, signal: AbortSignal): Promise<Output> {
    const answer = await this.#ask('GET', path, {}, null, signal);
    requireSuccess(answer);
    let value: unknown;
    try {
      value = JSON.parse(answer.body.toString('utf8'));
    } catch {
      throw new PeerFault(
        'garbled',
        `${path} answered something that is not JSON: does ${this.#place.url} speak the Open Inference Protocol?`,
      );
    }
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw new PeerFault(
      'garbled',
      `${path} answered what the protocol does not say: ${issue?.path.join('.')} ${issue?.message}`,
    );
  }

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | Buffer | null,
    signal: AbortSignal,
  ): Promise<PeerAnswer> {
    let hasAnswered = false;
    try {
      const response = await this.#pool.request({
        method,
        path,
        headers: { ...this.#headers, ...headers, accept: 'application/json, application/octet-stream' },
        body,
        signal,
      });
      hasAnswered = true;
      const content = Buffer.from(await response.body.arrayBuffer());
      return { status: response.statusCode, headers: response.headers, body: content };
    } catch (error) {
      throw faultOf(error, signal.aborted, hasAnswered);
    }
  }
}

function faultOf(error: unknown, isLate: boolean, hasAnswered: boolean): PeerFault {
  if (isLate) return new PeerFault('late', 'did not answer within the deadline', { cause: error });
  const reason = reasonOf(error);
  const isGarbled = hasAnswered || GARBLED.some((each) => error instanceof each);
  if (isGarbled) return new PeerFault('garbled', `its answer broke off: ${reason}`, { cause: error });
  return new PeerFault('unreachable', `cannot be reached: ${reason}`, { cause: error });
}

function requireSuccess({ status, headers, body }: PeerAnswer): void {
  if (status === 200) return;
  throw faultOfStatus(status, saidIn(body), retryAfterMs(headers['retry-after']));
}

/** What the body of an error says, in a line. */
function saidIn(body: Buffer): string {
  const start = body.toString('utf8', 0, SAID_LENGTH * 4);
  return start.replace(/\s+/g, ' ').trim().slice(0, SAID_LENGTH);
}

function retryAfterMs(header: string | string[] | undefined): number {
  const seconds = Number(header);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, LONGEST_RETRY_AFTER_MS) : 0;
}

/** Of several addresses that were tried Node throws one error without a message. */
function reasonOf(error: unknown): string {
  const { code, errors: each } = (error ?? {}) as { code?: unknown; errors?: readonly unknown[] };
  const text = messageOf(error);
  if (text !== '') return text;
  return each?.[0] === undefined ? String(code) : messageOf(each[0]);
}
