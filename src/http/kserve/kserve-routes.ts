import type { FastifyInstance } from 'fastify';
import { errorTextOf, instancesOf, predictionsJson } from '../../dialects/kserve/v1.ts';
import { toStandardJson } from '../../dialects/python-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Fleet } from '../../serving/fleet.ts';
import type { Predictor } from '../../serving/predictor.ts';
import { sendJson } from '../byte-bodies.ts';
import { contextOf, plainBytesOf, registerDialect } from '../dialect-routes.ts';
import { parseBody } from '../parse-body.ts';
import { statusOf } from '../status.ts';

interface KserveDependencies {
  readonly fleet: Fleet;
  readonly predictor: Predictor;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Params = { readonly name: string };

/** KServe's V1 protocol: `/v1/models`, `/v1/models/{name}` and `/v1/models/{name}:predict`; a name is an endpoint's or its model's. */
export function registerKserveRoutes(app: FastifyInstance, deps: KserveDependencies): void {
  const { fleet, predictor, clock, logger } = deps;
  registerDialect(
    app,
    logger,
    (error, request, reply) => {
      const body = JSON.stringify({ error: errorTextOf(error, request.id) });
      return sendJson(reply.code(error.kind === 'invalid' ? 400 : statusOf(error)), body);
    },
    (dialect) => {
      dialect.get('/v1/models', (_request, reply) =>
        sendJson(reply, JSON.stringify({ models: fleet.endpoints().map(({ name }) => name) })),
      );
      dialect.get('/v1/models/:name', (request, reply) => {
        const { name } = request.params as Params;
        const ready = isReady(fleet, name);
        return sendJson(reply.code(ready ? 200 : 503), JSON.stringify({ name, ready }));
      });
      dialect.post('/v1/models/:name(^.+)::predict', async (request, reply) => {
        const receivedAt = clock.elapsed();
        const target = fleet.named((request.params as Params).name);
        requireJson(request.headers['content-type']);
        const { value } = parseBody(toStandardJson(plainBytesOf(request)));
        const rows = instancesOf(target.served.signature, value);
        const answers = await predictor.predictAll(target, rows, contextOf(request, 'kserve-v1', receivedAt));
        return sendJson(reply, predictionsJson(answers));
      });
    },
  );
}

/** Fails with MODEL_NOT_FOUND where there is none of that name. */
function isReady(fleet: Fleet, name: string): boolean {
  try {
    fleet.named(name);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'NOT_READY') return false;
    throw error;
  }
}

function requireJson(contentType = 'application/json'): void {
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  const isUtf8 = charset === undefined || /=\s*"?utf-?8"?\s*$/.test(charset);
  if (type.trim() === 'application/json' && isUtf8) return;
  throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'Send JSON in UTF-8 with `content-type: application/json`');
}
