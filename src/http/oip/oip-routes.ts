import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type {
  ConfiguredTensor,
  Duration,
  InferenceService,
  ModelConfig,
  ModelStatistics,
} from '../../dialects/oip/protocol.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { isJsonObject, type JsonObject } from '../../kernel/json.ts';
import { bytesOf, sendJson, takeAnyBody } from '../byte-bodies.ts';
import { parseBody } from '../parse-body.ts';
import { createInfer } from './infer.ts';

interface OipDependencies {
  readonly service: InferenceService;
  readonly clock: Clock;
  readonly bodyLimitBytes: number;
}

type OfModel = { readonly Params: { readonly name: string; readonly version?: string } };
type OfAny = { readonly Params: { readonly name?: string; readonly version?: string } };
type ModelRequest = FastifyRequest<OfModel>;

/** Server and liveness, for probes that have no key. */
export function registerOipHealth(app: FastifyInstance, { service }: Pick<OipDependencies, 'service'>): void {
  app.get('/v2', (_request, reply) => sendValue(reply, service.server()));
  // KServe's client reads `ready` of the one and `live` of the other, and Triton's only the status.
  app.get('/v2/health/live', (_request, reply) =>
    sendValue(reply, { live: service.live(), ready: service.ready() }),
  );
  app.get('/v2/health/ready', (_request, reply) => {
    const live = service.live();
    if (service.ready()) return sendValue(reply, { live, ready: true });
    return sendValue(reply.code(503), {
      live,
      ready: false,
      error: 'not every required endpoint can answer',
    });
  });
}

/** The Open Inference Protocol V2 over REST, with Triton's extensions that read. */
export function registerOipRoutes(circle: FastifyInstance, deps: OipDependencies): void {
  void circle.register(async (app) => addRoutes(app, deps));
}

function addRoutes(app: FastifyInstance, { service, clock, bodyLimitBytes }: OipDependencies): void {
  takeAnyBody(app);
  const infer = createInfer({ service, bodyLimitBytes });

  async function ready(request: ModelRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { name, version = '' } = request.params;
    if (await service.modelReady(name, version)) return sendValue(reply, { name, ready: true });
    return sendValue(reply.code(503), { name, ready: false, error: `${name} is not ready` });
  }

  async function answer(request: ModelRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { name, version = '' } = request.params;
    const { headers, body: content } = await infer(name, version)(
      request.headers,
      request.id,
      bytesOf(request),
      clock.elapsed(),
    );
    for (let i = 0; i < headers.length; i += 2) reply.header(headers[i] as string, headers[i + 1] as string);
    return reply.send(typeof content === 'string' ? Buffer.from(content) : content);
  }

  async function statistics(request: FastifyRequest<OfAny>, reply: FastifyReply): Promise<FastifyReply> {
    const { name = '', version = '' } = request.params;
    const all = await service.statistics(name, version);
    return sendValue(reply, { model_stats: all.map(statisticsJson) });
  }

  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<OfModel>(path, async ({ params: { name, version = '' } }, reply) =>
      sendValue(reply, await service.model(name, version)),
    );
    app.get<OfModel>(`${path}/config`, async ({ params: { name, version = '' } }, reply) =>
      sendValue(reply, configJson(await service.config(name, version))),
    );
    app.get<OfModel>(`${path}/ready`, ready);
    app.get<OfAny>(`${path}/stats`, statistics);
    app.post<OfModel>(`${path}/infer`, answer);
  }
  app.get<OfAny>('/v2/models/stats', statistics);
  app.post('/v2/repository/index', async (request, reply) => {
    const { ready: onlyReady } = objectOf(request);
    if (onlyReady !== undefined && typeof onlyReady !== 'boolean')
      throw new AppError('REQUEST_INVALID', 'ready must be true or false');
    return sendValue(reply, await service.index(onlyReady === true));
  });
}

/** What changes which versions are in memory. */
export function registerOipChanges(circle: FastifyInstance, deps: Pick<OipDependencies, 'service'>): void {
  void circle.register(async (app) => addChanges(app, deps));
}

function addChanges(app: FastifyInstance, { service }: Pick<OipDependencies, 'service'>): void {
  takeAnyBody(app);
  app.post<OfModel>('/v2/repository/models/:name/load', async (request, reply) => {
    const { parameters } = objectOf(request);
    if (isJsonObject(parameters) && Object.keys(parameters).length > 0) {
      const names = Object.keys(parameters)
        .slice(0, 5)
        .map((name) => name.slice(0, 64));
      throw new AppError(
        'REQUEST_INVALID',
        `A model is loaded as it was registered: ${names.join(', ')} cannot be given`,
      );
    }
    await service.load(request.params.name);
    return sendValue(reply, {});
  });
  app.post<OfModel>('/v2/repository/models/:name/unload', async (request, reply) => {
    objectOf(request);
    await service.unload(request.params.name);
    return sendValue(reply, {});
  });
}

/** An object; also for a body that is not there. */
function objectOf(request: FastifyRequest): JsonObject {
  const body = bytesOf(request);
  if (body.length === 0) return {};
  const { value } = parseBody(body);
  if (isJsonObject(value)) return value;
  throw new AppError('REQUEST_INVALID', 'The body must be a JSON object');
}

function sendValue(reply: FastifyReply, value: object): FastifyReply {
  return sendJson(reply, JSON.stringify(value));
}

function configJson({ name, platform, maxBatchSize, inputs, outputs }: ModelConfig): object {
  return {
    name,
    platform,
    backend: platform.split('_')[0],
    max_batch_size: maxBatchSize,
    input: inputs.map((tensor) => ({ ...tensorJson(tensor), optional: tensor.optional })),
    output: outputs.map(tensorJson),
  };
}

function tensorJson({ name, datatype, dims }: ConfiguredTensor): object {
  return { name, data_type: `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`, dims };
}

function statisticsJson(of: ModelStatistics): object {
  return {
    name: of.name,
    version: of.version,
    last_inference: of.lastInference,
    inference_count: of.inferenceCount,
    execution_count: of.executionCount,
    inference_stats: {
      success: of.success,
      fail: of.fail,
      queue: of.queue,
      compute_input: of.computeInput,
      compute_infer: of.computeInfer,
      compute_output: of.computeOutput,
      cache_hit: NEVER,
      cache_miss: NEVER,
    },
    batch_stats: [],
  };
}

const NEVER: Duration = { count: 0, ns: 0 };
