import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../kernel/clock.ts';
import type { AppError } from '../kernel/errors.ts';
import { traceIdOf } from '../kernel/trace-id.ts';
import type { ErrorForm } from './error-form.ts';
import { toAppError } from './problem-response.ts';

/** A path that is answered past the framework. */
export interface FastRoute {
  /** Content types of the plain case; undefined for none. */
  readonly contentTypes: ReadonlySet<string | undefined>;
  readonly answer: AnswerBody;
  readonly errorForm: ErrorForm;
}

/** What a route makes of one body. */
export type AnswerBody = (
  headers: IncomingHttpHeaders,
  requestId: string,
  body: Buffer,
  /** `clock.elapsed()` */
  receivedAt: number,
) => Promise<FastAnswer>;

/** An answer of status 200; length and request id are added to its headers. */
export interface FastAnswer {
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array;
}

interface FastLaneOptions {
  readonly clock: Clock;
  readonly bodyLimitBytes: number;
  /** Paths that are answered here, exactly as written. */
  readonly paths: ReadonlyMap<string, FastRoute>;
  /** Whether the caller has the key, where one is needed. */
  readonly mayCall: (request: IncomingMessage) => boolean;
  readonly isDraining: () => boolean;
  readonly onInternalError: (error: AppError, requestId: string) => void;
}

/** Answers the request and says true, or leaves it for the framework and says false. */
export type FastLane = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * The plain case of a prediction without the framework's life cycle, which costs more than validation, logging and
 * bookkeeping together (docs/adr/0004). Whatever is unusual about a request, in path, type, encoding or size, is left
 * to the framework; both ways share every function that decides something.
 */
export function createFastLane(options: FastLaneOptions): FastLane {
  const { clock, bodyLimitBytes, paths, mayCall, isDraining, onInternalError } = options;

  return (request, response) => {
    const route = request.method === 'POST' ? paths.get(request.url ?? '') : undefined;
    if (route === undefined || !isPlain(route, request, bodyLimitBytes) || !mayCall(request)) return false;
    const requestId = traceIdOf(request.headers);
    const fail = (thrown: unknown): void => {
      const error = toAppError(thrown);
      if (error.isHidden) onInternalError(error, requestId);
      sendError(response, route.errorForm, error, requestId, isDraining());
    };
    readBody(request, (body) => {
      try {
        route
          .answer(request.headers, requestId, body, clock.elapsed())
          .then((answer) => sendAnswer(response, requestId, answer, isDraining()), fail);
      } catch (error) {
        fail(error);
      }
    });
    return true;
  };
}

function isPlain(route: FastRoute, { headers }: IncomingMessage, bodyLimitBytes: number): boolean {
  const length = Number(headers['content-length']);
  return (
    length > 0 &&
    length <= bodyLimitBytes &&
    route.contentTypes.has(headers['content-type']) &&
    headers['content-encoding'] === undefined &&
    headers['expect'] === undefined
  );
}

/** Calls back with the whole body; a body that breaks off calls nobody, since nobody listens any more. */
function readBody(request: IncomingMessage, done: (body: Buffer) => void): void {
  let first: Buffer | null = null;
  let rest: Buffer[] | null = null;
  request.on('data', (chunk: Buffer) => {
    if (first === null) first = chunk;
    else if (rest === null) rest = [first, chunk];
    else rest.push(chunk);
  });
  request.on('end', () => done(rest === null ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest)));
}

function sendAnswer(
  response: ServerResponse,
  requestId: string,
  { headers, body }: FastAnswer,
  isLast: boolean,
): void {
  const bytes = Buffer.byteLength(body);
  const all = [...headers, 'content-length', String(bytes), 'x-request-id', requestId];
  if (isLast) all.push('connection', 'close');
  response.writeHead(200, all);
  // ASCII is the same in both, and cheaper to write as the simpler of them.
  if (typeof body === 'string') response.end(body, bytes === body.length ? 'latin1' : 'utf8');
  else response.end(body);
}

function sendError(
  response: ServerResponse,
  form: ErrorForm,
  error: AppError,
  requestId: string,
  isLast: boolean,
): void {
  const { status, headers, body } = form(error, requestId);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('x-request-id', requestId);
  if (isLast) response.setHeader('connection', 'close');
  response.statusCode = status;
  response.end(body);
}
