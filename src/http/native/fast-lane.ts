import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../kernel/clock.ts';
import type { AppError } from '../../kernel/errors.ts';
import { parseBody } from '../parse-body.ts';
import { problemHeaders, problemOf, toAppError } from '../problem-response.ts';
import { traceIdOf } from '../request-ids.ts';
import { statusOf } from '../status.ts';
import type { PredictOne } from './predict-routes.ts';

interface FastLaneOptions {
  readonly clock: Clock;
  readonly bodyLimitBytes: number;
  /** Paths that are answered here, exactly as written. */
  readonly paths: ReadonlyMap<string, PredictOne>;
  /** Whether the caller has the key, where one is needed. */
  readonly mayCall: (request: IncomingMessage) => boolean;
  readonly isDraining: () => boolean;
  readonly onInternalError: (error: AppError, requestId: string) => void;
}

/** Answers the request and says true, or leaves it for the framework and says false. */
export type FastLane = (request: IncomingMessage, response: ServerResponse) => boolean;

const JSON_TYPE = 'application/json; charset=utf-8';
const JSON_TYPES = new Set(['application/json', JSON_TYPE, 'application/json;charset=utf-8']);

/**
 * The plain case of `POST …/predict` without the framework's life cycle, which costs more than validation, logging and
 * bookkeeping together (docs/adr/0004). Whatever is unusual about a request, in path, type, encoding or size, is left
 * to the framework; both ways share every function that decides something.
 */
export function createFastLane(options: FastLaneOptions): FastLane {
  const { clock, bodyLimitBytes, paths, mayCall, isDraining, onInternalError } = options;

  return (request, response) => {
    const predict = request.method === 'POST' ? paths.get(request.url ?? '') : undefined;
    if (predict === undefined || !isPlain(request, bodyLimitBytes) || !mayCall(request)) return false;
    const requestId = traceIdOf(request.headers);
    const fail = (thrown: unknown): void => {
      const error = toAppError(thrown);
      if (error.kind === 'internal') onInternalError(error, requestId);
      sendError(response, error, requestId, isDraining());
    };
    readBody(request, (body) => {
      try {
        const receivedAt = clock.elapsed();
        predict(request.headers, requestId, parseBody(body), receivedAt).then(
          (json) => sendAnswer(response, requestId, json, isDraining()),
          fail,
        );
      } catch (error) {
        fail(error);
      }
    });
    return true;
  };
}

function isPlain({ headers }: IncomingMessage, bodyLimitBytes: number): boolean {
  const length = Number(headers['content-length']);
  return (
    length > 0 &&
    length <= bodyLimitBytes &&
    JSON_TYPES.has(headers['content-type'] ?? '') &&
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

function sendAnswer(response: ServerResponse, requestId: string, json: string, isLast: boolean): void {
  const bytes = Buffer.byteLength(json);
  const headers = ['content-type', JSON_TYPE, 'content-length', String(bytes), 'x-request-id', requestId];
  if (isLast) headers.push('connection', 'close');
  response.writeHead(200, headers);
  // ASCII is the same in both, and cheaper to write as the simpler of them.
  response.end(json, bytes === json.length ? 'latin1' : 'utf8');
}

function sendError(response: ServerResponse, error: AppError, requestId: string, isLast: boolean): void {
  for (const [name, value] of Object.entries(problemHeaders(error))) response.setHeader(name, value);
  response.setHeader('x-request-id', requestId);
  if (isLast) response.setHeader('connection', 'close');
  response.statusCode = statusOf(error);
  response.end(JSON.stringify(problemOf(error, requestId)));
}
