import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import { AppError, messageOf } from '../../../kernel/errors.ts';

/** Where an MLflow server is and who asks. */
export interface MlflowServer {
  /** `http(s)://host[:port][/path]`. */
  readonly url: string;
  readonly token: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** PEM file of the authority that signed the server's certificate. */
  readonly caFile: string | undefined;
}

const TIMEOUT_MS = 10_000;
const PAGE = 200;
const MOST_PAGES = 10;

type Query = Readonly<Record<string, string>>;

/**
 * Requests to an MLflow server. What it says does not exist is MODEL_NOT_FOUND or VERSION_NOT_FOUND; everything else that
 * goes wrong is REGISTRY_UNAVAILABLE, with what the server said.
 */
export class MlflowHttp {
  readonly #server: MlflowServer;
  readonly #agent: Agent;

  constructor(server: MlflowServer) {
    this.#server = server;
    this.#agent = new Agent({
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      connect: {
        timeout: TIMEOUT_MS,
        ...(server.caFile !== undefined && { ca: readFileSync(server.caFile, 'utf8') }),
      },
    });
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** `route`: below `/api/2.0/`. */
  get<Output>(route: string, query: Query, answer: z.ZodType<Output>): Promise<Output> {
    return this.#json('GET', route, query, answer);
  }

  post<Output>(route: string, content: object, answer: z.ZodType<Output>): Promise<Output> {
    return this.#json('POST', route, {}, answer, content);
  }

  async delete(route: string, content: object): Promise<void> {
    await this.#json('DELETE', route, {}, z.unknown(), content);
  }

  /** All pages of a list. */
  async pages<Item>(
    route: string,
    query: Query,
    answer: z.ZodType<{ readonly items: readonly Item[]; readonly next: string | null | undefined }>,
  ): Promise<readonly Item[]> {
    const all: Item[] = [];
    let token = '';
    for (let page = 0; page < MOST_PAGES; page++) {
      const paging: Query = token === '' ? {} : { page_token: token };
      const { items, next } = await this.get(
        route,
        { ...query, ...paging, max_results: String(PAGE) },
        answer,
      );
      all.push(...items);
      if (next === undefined || next === null || next === '') break;
      token = next;
    }
    return all;
  }

  /** The bytes of a file by its path on the server, from an offset on where it can; `isPart` says whether it did. */
  async download(
    route: string,
    query: Query,
    from: number,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly body: Readable; readonly isPart: boolean }> {
    const answer = await this.#request('GET', route, query, {
      headers: from > 0 ? { range: `bytes=${from}-` } : {},
      signal,
    });
    if (answer.statusCode >= 400) throw refusal(answer.statusCode, await this.#textOf(answer), route);
    return { body: answer.body, isPart: answer.statusCode === 206 };
  }

  async upload(route: string, content: Uint8Array): Promise<void> {
    const answer = await this.#request('PUT', route, {}, { body: Buffer.from(content) });
    const text = await this.#textOf(answer);
    if (answer.statusCode >= 400) throw refusal(answer.statusCode, text, route);
  }

  async #json<Output>(
    method: 'GET' | 'POST' | 'DELETE',
    route: string,
    query: Query,
    schema: z.ZodType<Output>,
    content?: object,
  ): Promise<Output> {
    const path = `/api/2.0/${route}`;
    const answer = await this.#request(method, path, query, {
      ...(content !== undefined && {
        body: JSON.stringify(content),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await this.#textOf(answer);
    if (answer.statusCode >= 400) throw refusal(answer.statusCode, text, path);
    return parsed(schema, this.#valueOf(text, path));
  }

  #valueOf(text: string, path: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw unavailable(
        `${path} answered something that is not JSON: is ${this.#server.url} an MLflow server?`,
      );
    }
  }

  async #textOf({ body }: Dispatcher.ResponseData): Promise<string> {
    try {
      return await body.text();
    } catch (error) {
      throw unavailable(`An answer of ${this.#server.url} broke off: ${reasonOf(error)}`, error);
    }
  }

  async #request(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    query: Query,
    options: {
      readonly body?: string | Buffer;
      readonly headers?: Readonly<Record<string, string>>;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<Dispatcher.ResponseData> {
    const url = new URL(`${this.#server.url.replace(/\/+$/, '')}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    try {
      return await request(url, {
        method,
        dispatcher: this.#agent,
        body: options.body ?? null,
        headers: { ...options.headers, ...this.#credentials() },
        ...(options.signal !== undefined && { signal: options.signal }),
      });
    } catch (error) {
      throw unavailable(`${this.#server.url} cannot be reached: ${reasonOf(error)}`, error);
    }
  }

  #credentials(): Readonly<Record<string, string>> {
    const { token, username, password } = this.#server;
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    if (username === undefined) return {};
    return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
  }
}

function parsed<Output>(schema: z.ZodType<Output>, answer: unknown): Output {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  throw unavailable(`MLflow answered in a form that is not known: ${z.prettifyError(result.error)}`);
}

/** `{error_code, message}` of the server. A missing alias is 400 there, a missing model 404. */
function refusal(status: number, text: string, route: string): AppError {
  let code = '';
  let message = text.slice(0, 300);
  try {
    const body = JSON.parse(text) as { error_code?: unknown; message?: unknown };
    if (typeof body.error_code === 'string') code = body.error_code;
    if (typeof body.message === 'string') message = body.message.slice(0, 300);
  } catch {
    // Not MLflow's form: a proxy before it, or a page; the text itself says what it is.
  }
  const isMissing = code === 'RESOURCE_DOES_NOT_EXIST' || (code === '' && status === 404);
  if (isMissing) {
    const isVersion = /version|alias/i.test(message);
    return new AppError(isVersion ? 'VERSION_NOT_FOUND' : 'MODEL_NOT_FOUND', `MLflow: ${message}`);
  }
  if (code === 'INVALID_PARAMETER_VALUE' && /alias/i.test(message))
    return new AppError('VERSION_NOT_FOUND', `MLflow: ${message}`);
  if (status === 401 || status === 403) {
    return unavailable(
      `MLflow does not let Slipway in (${status}): set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD`,
    );
  }
  return unavailable(`${route} answered ${status}: ${message}`);
}

function unavailable(message: string, cause?: unknown): AppError {
  return new AppError('REGISTRY_UNAVAILABLE', message, { cause, retryAfterSeconds: 5 });
}

/** Of several addresses that were tried Node throws one error without a message. */
function reasonOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  const text = messageOf(error);
  if (text !== '') return text;
  return typeof code === 'string' ? code : messageOf(cause);
}
