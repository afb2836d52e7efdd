import type { FastifyInstance } from 'fastify';
import type { Health } from '../../contracts/native.ts';
import type { EndpointStatus } from '../../serving/endpoint.ts';

/** What health is made of; handed in, so that this file knows neither stores nor files. */
export interface HealthSource {
  readonly version: string;
  uptimeSeconds(): number;
  endpoints(): readonly EndpointStatus[];
  /** Whether required endpoints can answer and the process is not shutting down. */
  ready(): boolean;
  /** Sentences on what does not work, beside endpoints that are not ready. */
  problems(): readonly string[];
}

export interface MetricsSource {
  expose(accept: string | undefined): Promise<{ readonly contentType: string; readonly body: string }>;
  summary(): object;
}

export function registerHealthRoutes(app: FastifyInstance, source: HealthSource): void {
  app.get('/health', (_request, reply) => reply.send(healthOf(source)));
  app.get('/health/live', (_request, reply) => reply.send({ live: true }));
  app.get('/health/ready', (_request, reply) => {
    const ready = source.ready();
    return reply.code(ready ? 200 : 503).send({ ready });
  });
}

function healthOf(source: HealthSource): Health {
  const endpoints = source.endpoints();
  const down = endpoints
    .filter((endpoint) => endpoint.state !== 'ready')
    .map((endpoint) => `endpoint ${endpoint.name} is ${endpoint.state}`);
  const refused = endpoints.flatMap(({ name, candidate }) =>
    candidate?.state === 'refused'
      ? [`endpoint ${name} does not take version ${candidate.version}: ${candidate.reason}`]
      : [],
  );
  const ailing = endpoints.flatMap(({ name, runtime }) =>
    runtime === null || runtime.status === 'ok'
      ? []
      : [`endpoint ${name}: its model is ${runtime.status}: ${runtime.reason}`],
  );
  const problems = [...down, ...refused, ...ailing, ...source.problems()];
  return {
    status: problems.length === 0 ? 'ok' : 'degraded',
    models: Object.fromEntries(
      endpoints.map(({ name, previous, ...endpoint }) => [name, { ...endpoint, previous: [...previous] }]),
    ),
    problems,
    version: source.version,
    uptime_s: Math.round(source.uptimeSeconds() * 1000) / 1000,
  };
}

export function registerMetricsRoute(app: FastifyInstance, source: MetricsSource): void {
  app.get<{ Querystring: { format?: string } }>('/metrics', async (request, reply) => {
    const { accept } = request.headers;
    const wantsJson =
      request.query.format === 'json' ||
      accept?.split(',')[0]?.trim().startsWith('application/json') === true;
    if (wantsJson) return reply.send(source.summary());
    const { contentType, body } = await source.expose(accept);
    return reply.header('content-type', contentType).send(body);
  });
}
