import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Bodies come as bytes, whatever their type: for routes whose clients send any content type, or none. */
export function takeAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** Empty where there is none. */
export function bytesOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** As bytes: to a text Fastify would add a charset, and clients of these protocols compare the type whole. */
export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(json));
}
