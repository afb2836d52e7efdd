import type { FastifyInstance } from 'fastify';
import { contentTypeOf } from '../../dialects/mlflow/content-type.ts';
import { readCsv } from '../../dialects/mlflow/csv.ts';
import { faultOf } from '../../dialects/mlflow/fault.ts';
import { type Invocation, readInvocation } from '../../dialects/mlflow/invocation.ts';
import { predictionsJson } from '../../dialects/mlflow/predictions.ts';
import { rowsOf } from '../../dialects/mlflow/rows.ts';
import { toStandardJson } from '../../dialects/python-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Fleet } from '../../serving/fleet.ts';
import type { Predictor } from '../../serving/predictor.ts';
import { sendJson } from '../byte-bodies.ts';
import { contextOf, plainBytesOf, registerDialect } from '../dialect-routes.ts';
import { parseBody } from '../parse-body.ts';
import { statusOf } from '../status.ts';

/** The MLflow whose scoring server this is held against (test/differential), and what `GET /version` answers. */
const MLFLOW_VERSION = '3.17.2';

/** `GET /ping` and `GET /version`. `/health`, which MLflow has too, is Slipway's own and answers 200 in both. */
export function registerMlflowProbes(app: FastifyInstance, canAnswer: () => boolean): void {
  app.get('/ping', (_request, reply) => sendJson(reply.code(canAnswer() ? 200 : 404), '\n'));
  app.get('/version', (_request, reply) => sendJson(reply, MLFLOW_VERSION));
}

interface MlflowDependencies {
  readonly fleet: Fleet;
  readonly predictor: Predictor;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Rows of one request at the most. */
  readonly maxRequestRows: number;
}

/** `POST /invocations`, as MLflow's scoring server has it, for the default endpoint (docs/reference/mlflow-scoring.md). */
export function registerInvocations(app: FastifyInstance, deps: MlflowDependencies): void {
  const { fleet, predictor, clock, logger, maxRequestRows } = deps;
  registerDialect(
    app,
    logger,
    (error, request, reply) => {
      if (error.code === 'CONTENT_TYPE_UNSUPPORTED')
        return reply.code(415).type('text/plain; charset=utf-8').send(error.message);
      const { status, body } = faultOf(error, request.id);
      return sendJson(reply.code(status ?? statusOf(error)), JSON.stringify(body));
    },
    (dialect) => {
      dialect.post('/invocations', async (request, reply) => {
        const receivedAt = clock.elapsed();
        const target = fleet.default();
        const invocation = readBody(request.headers['content-type'], plainBytesOf(request), maxRequestRows);
        const { signature } = target.served;
        const rows = rowsOf(signature, invocation, maxRequestRows);
        const answers = await predictor.predictAll(target, rows, contextOf(request, 'mlflow', receivedAt));
        return sendJson(reply, predictionsJson(signature, invocation.data, answers));
      });
    },
  );
}

function readBody(contentType: string | undefined, body: Buffer, maxRows: number): Invocation {
  if (contentTypeOf(contentType) === 'text/csv') return { data: readCsv(body, maxRows), params: null };
  return readInvocation(parseBody(toStandardJson(body)).value);
}
