import { readFileSync } from 'node:fs';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import helmet from '@fastify/helmet';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { createAccess } from '../access/access.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError, messageOf } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { traceIdOf } from '../kernel/trace-id.ts';
import { type ErrorForm, formOf } from './error-form.ts';
import { createFastLane, type FastRoute } from './fast-lane.ts';
import { takeJson } from './json-bodies.ts';
import { parseBody } from './parse-body.ts';
import { PROBLEM_TYPE, problemOf, toAppError } from './problem-response.ts';
import { statusOf } from './status.ts';

export interface HttpOptions {
  readonly bodyLimitBytes: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string; readonly caFile: string | undefined }
    | undefined;
  readonly apiKey: string | undefined;
}

/** The routes in three circles: open to all, for callers with the key, and those that change something. */
export interface HttpRoutes {
  readonly open: (app: FastifyInstance) => void;
  readonly keyed: (app: FastifyInstance) => void;
  readonly changing: (app: FastifyInstance) => void;
  /** Paths of plain predictions, which go past the framework. */
  readonly fast: ReadonlyMap<string, FastRoute>;
  /** How dialects answer errors, by the first part of their paths. */
  readonly errorForms: ReadonlyMap<string, ErrorForm>;
  readonly clock: Clock;
}

export interface HttpListener {
  readonly app: FastifyInstance;
  /** Starts listening; answers with the port. */
  listen(host: string, port: number): Promise<number>;
  /**
   * Stops accepting, answers what open connections still send with `Connection: close`, and closes when none is left
   * or the time is over. `app.close()` alone resets connections that are between two requests.
   */
  drain(graceMs: number): Promise<void>;
}

const SWEEP_MS = 1_000;
const LINGER_MS = 1_000;
const MAX_HEADER_BYTES = 16 * 1024;

export async function createHttpListener(
  options: HttpOptions,
  routes: HttpRoutes,
  logger: Logger,
): Promise<HttpListener> {
  let draining = false;
  const sendError = (error: AppError, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    sendErrorIn(formOf(routes.errorForms, request.url), { error, request, reply, logger });
  const access = createAccess(options.apiKey);
  const callerOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => ({
    headers: request.headers,
    remoteAddress: request.socket.remoteAddress,
  });
  const fastLane = createFastLane({
    clock: routes.clock,
    bodyLimitBytes: options.bodyLimitBytes,
    paths: routes.fast,
    mayCall: (request) => access.hasKey(callerOf(request)),
    isDraining: () => draining,
    onInternalError: (error, requestId) => logger.error(error.message, { 'trace.id': requestId, error }),
  });
  const app = Fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    return503OnClosing: false,
    forceCloseConnections: false,
    exposeHeadRoutes: true,
    genReqId: (request) => traceIdOf(request.headers),
    clientErrorHandler: answerUnreadable,
    frameworkErrors(error, request, reply) {
      void sendError(toAppError(error), request, reply as FastifyReply);
    },
    routerOptions: { maxParamLength: 256, ignoreTrailingSlash: true },
    serverFactory: (framework) =>
      createNodeServer(options, (request, response) => {
        if (request.socket.writableEnded) return;
        if (request.headers.host === undefined && request.httpVersion === '1.1')
          refuse(response, 'An HTTP/1.1 request has a Host header');
        else if (!fastLane(request, response)) framework(request, response);
      }),
  }) as unknown as FastifyInstance;

  takeJson(app, (body) => parseBody(body).value);
  app.setErrorHandler((error, request, reply) => sendError(toAppError(error), request, reply));
  const methodsOf = collectMethods(app);
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsOf(request.url.split('?')[0] ?? '/');
    if (methods.length === 0 || methods.includes(request.method)) {
      const error = new AppError('ROUTE_NOT_FOUND', 'There is no such route; /docs lists what there is');
      return sendError(error, request, reply);
    }
    const allowed = methods.join(', ');
    reply.header('allow', allowed);
    const error = new AppError('METHOD_NOT_ALLOWED', `This route takes ${allowed}`);
    return sendError(error, request, reply);
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    if (draining) reply.header('connection', 'close');
    done();
  });
  await app.register(async (pages) => {
    await pages.register(helmet, {
      hsts: options.tls !== undefined,
      contentSecurityPolicy: { directives: PAGE_POLICY, useDefaults: false },
    });
    routes.open(pages as unknown as FastifyInstance);
  });
  await app.register(async (keyed) => {
    keyed.addHook('onRequest', (request, _reply, done) => {
      access.requireKey(callerOf(request));
      done();
    });
    routes.keyed(keyed as unknown as FastifyInstance);
  });
  await app.register(async (changing) => {
    changing.addHook('onRequest', (request, _reply, done) => {
      access.requireChange(callerOf(request));
      done();
    });
    routes.changing(changing as unknown as FastifyInstance);
  });

  return {
    app,
    async listen(host, port) {
      try {
        await app.listen({ host, port });
      } catch (error) {
        throw listenFailure(error, host, port);
      }
      return (app.server.address() as { port: number }).port;
    },
    async drain(graceMs) {
      draining = true;
      // A connection that has not said a word is not idle to keepAliveTimeout, and would hold the drain to its end.
      app.server.headersTimeout = options.keepAliveTimeoutMs;
      await closeWhenIdle(app.server as HttpServer, graceMs);
      await app.close();
    },
  };
}

const PAGE_POLICY = {
  defaultSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  frameAncestors: ["'none'"],
};

interface FailedRequest {
  readonly error: AppError;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly logger: Logger;
}

/**
 * A body that is too large is read to its end and thrown away, within the request's time: a caller that is cut off while
 * it writes never sees why. As bytes: to a text Fastify would add a charset, which this media type does not have (RFC 9457, section 6.1).
 */
function sendErrorIn(form: ErrorForm, { error, request, reply, logger }: FailedRequest): FastifyReply {
  if (error.isHidden) {
    logger.error(error.message, {
      'trace.id': request.id,
      'http.request.method': request.method,
      'url.path': request.url.slice(0, 200),
      error,
    });
  }
  if (error.kind === 'too_large') reply.removeHeader('connection');
  const { status, headers, body } = form(error, request.id);
  return reply.code(status).headers(headers).send(Buffer.from(body));
}

/** The methods of the routes whose pattern the path fits: `findRoute` compares patterns, not paths. */
function collectMethods(app: FastifyInstance): (path: string) => readonly string[] {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url
      .split('/')
      .map((part) =>
        part.includes(':')
          ? part.replace(/:\w+(\(.*\))?/, '[^/]+').replace('::', ':')
          : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
      )
      .join('/');
    routes.push({ pattern: new RegExp(`^${pattern}/?$`), methods: [method].flat() });
  });
  return (path) => [
    ...new Set(routes.flatMap(({ pattern, methods }) => (pattern.test(path) ? methods : []))),
  ];
}

/**
 * Requests that Node's parser refuses never reach a route; the caller gets the same form of answer all the same. What it
 * still sends is thrown away for a while: closing with bytes unread resets a connection, and the answer can be lost.
 */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const reason =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new AppError('BODY_TOO_SLOW', 'The request did not arrive within server.request_timeout_ms')
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? new AppError('HEADERS_TOO_LARGE', `The headers are larger than ${MAX_HEADER_BYTES} bytes`)
        : new AppError('REQUEST_MALFORMED', 'This is not a valid HTTP/1.1 request');
  const body = JSON.stringify(problemOf(reason, traceIdOf({})));
  const status = statusOf(reason);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  const linger = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(linger));
}

/** For what Node would refuse with an empty body. */
function refuse(response: ServerResponse, reason: string): void {
  const error = new AppError('REQUEST_MALFORMED', reason);
  const body = JSON.stringify(problemOf(error, traceIdOf({})));
  const headers = {
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  response.writeHead(statusOf(error), headers);
  response.end(body);
}

/**
 * http.Server.close() also cuts idle keep-alive connections, on which a request may be under way; net.Server.close()
 * only stops accepting, and its callback comes when the last connection is gone.
 */
async function closeWhenIdle(server: HttpServer, graceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMs);
  });
  await Promise.race([closed, late]);
  clearTimeout(timer);
  server.closeAllConnections();
}

/** Node's own server with the bounds on time that Fastify would set, and does not on a server that it is handed. */
function createNodeServer(options: HttpOptions, listener: RequestListener): HttpServer {
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: SWEEP_MS,
    requireHostHeader: false,
  };
  const server =
    options.tls === undefined
      ? createServer(limits, listener)
      : createTlsServer({ ...tlsOptions(options.tls), ...limits }, listener);
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) =>
    refuse(response, 'Expect may be 100-continue only'),
  );
  server.requestTimeout = options.requestTimeoutMs;
  server.headersTimeout = options.requestTimeoutMs;
  server.keepAliveTimeout = options.keepAliveTimeoutMs;
  return server;
}

function tlsOptions(tls: NonNullable<HttpOptions['tls']>): {
  cert: Buffer;
  key: Buffer;
  ca?: Buffer;
  requestCert?: boolean;
} {
  try {
    return {
      cert: readFileSync(tls.certFile),
      key: readFileSync(tls.keyFile),
      ...(tls.caFile !== undefined && { ca: readFileSync(tls.caFile), requestCert: true }),
    };
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `server.tls: ${messageOf(error)}`, { cause: error });
  }
}

function listenFailure(error: unknown, host: string, port: number): AppError {
  const code = (error as NodeJS.ErrnoException).code;
  const reason =
    code === 'EADDRINUSE'
      ? `port ${port} is taken: choose another with --port, or --port 0 for a free one`
      : code === 'EACCES'
        ? `port ${port} needs more rights: choose one above 1023`
        : messageOf(error);
  return new AppError('CONFIG_INVALID', `Cannot listen on ${host}:${port}: ${reason}`, { cause: error });
}
