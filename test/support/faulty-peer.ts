import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server does with one request of `POST …/infer`. */
export type Behaviour = (response: ServerResponse, body: Buffer) => void;

const METADATA = {
  name: 'double',
  platform: 'none',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
};

/** Answers the double of each row. */
export const answer: Behaviour = (response, body) => {
  const { inputs } = JSON.parse(body.toString()) as { inputs: [{ shape: number[]; data: number[] }] };
  const [{ shape, data }] = inputs;
  say(response, 200, { outputs: [{ name: 'y', datatype: 'FP32', shape, data: data.map((x) => 2 * x) }] });
};

export const status =
  (
    code: number,
    body: unknown = { error: 'the secret of the server' },
    headers: Record<string, string> = {},
  ): Behaviour =>
  (response) => {
    response.writeHead(code, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };

/** Reads the request and says nothing. */
export const hang: Behaviour = () => undefined;

/** Ends the connection before a byte of an answer. */
export const reset: Behaviour = (response) => {
  response.socket?.resetAndDestroy();
};

/** Half an answer, and then the end of the connection. */
export const tear: Behaviour = (response) => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('{"outputs":[', () => response.socket?.destroy());
};

/** A byte now and then, for ever. */
export const dribble: Behaviour = (response) => {
  response.writeHead(200, { 'content-length': '1000000' });
  const timer = setInterval(() => response.write(' '), 5);
  response.once('close', () => clearInterval(timer));
};

/** What is no HTTP. */
export const babble: Behaviour = (response) => {
  response.socket?.end('SSH-2.0-nonsense\r\n\r\n');
};

/** Another server whose faults a test chooses: it takes the behaviours in turn, and then answers as it should. */
export class FaultyPeer {
  readonly #server: Server;
  readonly #behaviours: Behaviour[] = [];
  /** What each request of the model path said of its headers. */
  readonly headers: IncomingMessage['headers'][] = [];
  infers = 0;
  isReady = true;
  metadata: object = METADATA;
  config: object = {};
  server: object = { name: 'peer', version: '1.0', extensions: [] };

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#take(request, response, Buffer.concat(chunks)));
    });
  }

  static async start(port = 0): Promise<FaultyPeer> {
    const peer = new FaultyPeer();
    peer.#server.listen(port, '127.0.0.1');
    await once(peer.#server, 'listening');
    return peer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  next(...behaviours: readonly Behaviour[]): void {
    this.#behaviours.push(...behaviours);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #take(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { url = '' } = request;
    this.headers.push(request.headers);
    if (url === '/v2') say(response, 200, this.server);
    else if (url.endsWith('/ready')) say(response, this.isReady ? 200 : 400, {});
    else if (url.endsWith('/config')) say(response, 200, this.config);
    else if (!url.endsWith('/infer')) say(response, 200, this.metadata);
    else {
      this.infers++;
      (this.#behaviours.shift() ?? answer)(response, body);
    }
  }
}

function say(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
