import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

/** A request without an answer. `fresh`: it was the first of its connection, so maybe nobody listens any more. */
export class NoReply extends Error {
  readonly fresh: boolean;
  constructor(cause: Error, fresh: boolean) {
    super(`${(cause as NodeJS.ErrnoException).code ?? ''} ${cause.message}`.trim(), { cause });
    this.fresh = fresh;
  }
}

interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The authority to trust, with TLS. */
  readonly ca?: Buffer;
}

export interface Client {
  get(path: string, options?: AskOptions): Promise<Reply>;
  post(path: string, body: unknown, options?: AskOptions): Promise<Reply>;
  close(): void;
}

const NO_ANSWER_MS = 30_000;

/** Keep-alive connections to one server, as many as there are requests at once up to `connections`. */
export function createClient(url: string, { connections = 64 } = {}): Client {
  const isTls = url.startsWith('https:');
  const agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: connections });
  const ask = isTls ? tlsRequest : request;

  function send(method: string, path: string, body: string | null, options: AskOptions): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const headers = {
        ...(body !== null && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        }),
        ...options.headers,
      };
      const sent = ask(new URL(path, url), { agent, method, ...options, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => reject(new NoReply(error, false)));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: <T>() => JSON.parse(text) as T,
          });
        });
      });
      sent.setTimeout(NO_ANSWER_MS, () => sent.destroy(new Error(`no answer in ${NO_ANSWER_MS} ms`)));
      sent.on('error', (error) => reject(new NoReply(error, !sent.reusedSocket)));
      sent.end(body);
    });
  }

  return {
    get: (path, options = {}) => send('GET', path, null, options),
    post: (path, body, options = {}) => send('POST', path, JSON.stringify(body), options),
    close: () => agent.destroy(),
  };
}
