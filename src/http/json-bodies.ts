import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../kernel/errors.ts';

/** Bodies are JSON, and nothing else; `read` makes of their bytes what routes get. */
export function takeJson(app: FastifyInstance, read: (body: Buffer) => unknown): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      requirePlainUtf8(request.headers);
      done(null, read(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function requirePlainUtf8(headers: IncomingHttpHeaders): void {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'JSON is sent in UTF-8');
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'Send the body without content-encoding');
  }
}
