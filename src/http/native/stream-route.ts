import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { JsonValue } from '../../kernel/json.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Fleet } from '../../serving/fleet.ts';
import type { Predictor } from '../../serving/predictor.ts';
import { problemOf, toAppError } from '../problem-response.ts';
import { answerJson } from './answers.ts';
import { oneRow } from './request-context.ts';
import { type FindTarget, type TargetParams, targetPaths } from './target-paths.ts';

interface StreamDependencies {
  readonly fleet: Fleet;
  readonly predictor: Predictor;
  readonly clock: Clock;
  readonly logger: Logger;
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // nginx would keep the pieces back until it has a buffer full of them.
  'x-accel-buffering': 'no',
};

/**
 * `POST …/predict/stream`: server-sent events (WHATWG HTML, section 9.2). `piece` has `{"text": …}`; `answer`, the last,
 * what `POST …/predict` answers, once its line is in the log; or `error` a problem. What is wrong before the first piece
 * is an ordinary problem with its status.
 */
export function registerStreamRoutes(app: FastifyInstance, deps: StreamDependencies): void {
  for (const [path, find] of targetPaths(deps.fleet))
    app.post(`${path}/stream`, (request, reply) => stream(deps, find, request, reply));
}

async function stream(
  { predictor, clock, logger }: StreamDependencies,
  find: FindTarget,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const receivedAt = clock.elapsed();
  const target = await find(request.params as TargetParams);
  if (!target.served.streams)
    throw new AppError(
      'REQUEST_INVALID',
      `${target.served.version.model} makes no text: its answers come whole, from the path without /stream`,
    );
  const body = { value: request.body as JsonValue, text: null };
  const { row, context } = oneRow(target, request.headers, request.id, body, receivedAt);
  const { raw } = reply;
  const gone = new AbortController();
  const hangUp = (): void => gone.abort();
  raw.once('close', hangUp);
  try {
    const answer = await predictor.predictStream(
      target,
      row,
      context,
      (text) => {
        begin(reply);
        send(raw, 'piece', JSON.stringify({ text }));
      },
      gone.signal,
    );
    begin(reply);
    send(raw, 'answer', answerJson(target, answer, clock.elapsed() - receivedAt));
  } catch (error) {
    if (!raw.headersSent && !gone.signal.aborted) throw error;
    reply.hijack();
    const problem = toAppError(error);
    if (problem.isHidden) logger.error(problem.message, { error: problem, 'trace.id': request.id });
    begin(reply);
    send(raw, 'error', JSON.stringify(problemOf(problem, request.id)));
  } finally {
    raw.off('close', hangUp);
  }
  raw.end();
  return reply;
}

/** From here on the framework has nothing to do with the answer. */
function begin(reply: FastifyReply): void {
  if (reply.raw.headersSent || reply.raw.destroyed) return;
  reply.hijack();
  reply.raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...HEADERS });
}

function send(raw: ServerResponse, event: string, data: string): void {
  if (!raw.destroyed) raw.write(`event: ${event}\ndata: ${data}\n\n`);
}
