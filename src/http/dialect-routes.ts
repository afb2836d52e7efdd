import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { RequestContext } from '../serving/predictor.ts';
import { toAppError } from './problem-response.ts';

const MAX_ID_LENGTH = 256;

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
    dialect.removeAllContentTypeParsers();
    dialect.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    dialect.setErrorHandler((thrown, request, reply) => {
      const error = toAppError(thrown);
      if (error.kind === 'internal') {
        logger.error(error.message, { 'trace.id': request.id, 'url.path': request.url.slice(0, 200), error });
      }
      if (error.kind === 'too_large') reply.removeHeader('connection');
      if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
      if (error.kind === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
      return answer(error, request, reply);
    });
    routes(dialect);
  });
}

/** The body as it came, empty where there is none. */
export function bytesOf(request: FastifyRequest): Buffer {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'Send the body without content-encoding');
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** As bytes: to a text Fastify would add a charset, and clients of these protocols compare the type whole. */
export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(json));
}

export function contextOf(request: FastifyRequest, dialect: string, receivedAt: number): RequestContext {
  return {
    receivedAt,
    dialect,
    rowTexts: null,
    traceId: request.id,
    correlationId: boundedHeader(request.headers['x-correlation-id']),
    routingKey: boundedHeader(request.headers['x-routing-key']),
    callerTime: undefined,
  };
}

function boundedHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_ID_LENGTH) : undefined;
}
