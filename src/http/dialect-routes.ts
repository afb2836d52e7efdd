import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { RequestContext } from '../serving/predictor.ts';
import { bytesOf, takeAnyBody } from './byte-bodies.ts';
import { callerIds } from './caller-ids.ts';
import { problemHeaders, toAppError } from './problem-response.ts';

/**
 * Routes of a dialect that has content types and errors of its own: bodies come as bytes, whatever their type, and every
 * failure goes to `answer`. Nothing of this reaches the routes around it.
 */
export function registerDialect(
  app: FastifyInstance,
  logger: Logger,
  answer: (error: AppError, request: FastifyRequest, reply: FastifyReply) => FastifyReply,
  routes: (dialect: FastifyInstance) => void,
): void {
  void app.register(async (dialect) => {
    takeAnyBody(dialect);
    dialect.setErrorHandler((thrown, request, reply) => {
      const error = toAppError(thrown);
      if (error.isHidden) {
        logger.error(error.message, { 'trace.id': request.id, 'url.path': request.url.slice(0, 200), error });
      }
      if (error.kind === 'too_large') reply.removeHeader('connection');
      return answer(error, request, reply.headers(problemHeaders(error)));
    });
    routes(dialect);
  });
}

/** The body as it came, empty where there is none; these protocols know no content encoding. */
export function plainBytesOf(request: FastifyRequest): Buffer {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'Send the body without content-encoding');
  return bytesOf(request);
}

export function contextOf(request: FastifyRequest, dialect: string, receivedAt: number): RequestContext {
  return {
    receivedAt,
    dialect,
    rowTexts: null,
    traceId: request.id,
    ...callerIds(request.headers),
    callerTime: undefined,
  };
}
