import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Config } from '../config/schema.ts';
import { createInferenceService } from '../dialects/oip/inference-service.ts';
import type { InferenceService } from '../dialects/oip/protocol.ts';
import type { GrpcListener } from '../grpc/server.ts';
import { registerKserveRoutes } from '../http/kserve/kserve-routes.ts';
import { registerInvocations, registerMlflowProbes } from '../http/mlflow/mlflow-routes.ts';
import { registerFeedbackRoute } from '../http/native/feedback-route.ts';
import { registerModelRoutes } from '../http/native/model-routes.ts';
import { fastPaths, registerPredictRoutes } from '../http/native/predict-routes.ts';
import { registerStreamRoutes } from '../http/native/stream-route.ts';
import { registerHealthRoutes, registerMetricsRoute } from '../http/native/system-routes.ts';
import { oipErrorForm } from '../http/oip/error-form.ts';
import { fastInferPaths } from '../http/oip/infer.ts';
import { registerOipChanges, registerOipHealth, registerOipRoutes } from '../http/oip/oip-routes.ts';
import { openApiDocument } from '../http/openapi.ts';
import { registerPages } from '../http/pages.ts';
import { createHttpListener, type HttpListener, type HttpOptions } from '../http/server.ts';
import { MlflowSignature } from '../http/webhooks/mlflow-signature.ts';
import { registerMlflowWebhook } from '../http/webhooks/mlflow-webhook.ts';
import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { ThreadSessions } from '../models/runtimes/onnx/thread-sessions.ts';
import type { EndpointStatus } from '../serving/endpoint.ts';
import type { Fleet } from '../serving/fleet.ts';
import type { Follower } from '../serving/follower.ts';
import type { SegmentLog } from '../serving/prediction-log/segment-log.ts';
import { Predictor } from '../serving/predictor.ts';
import { createServingMeter, type ServingMeter } from '../serving/serving-meter.ts';
import type { Target } from '../serving/target.ts';
import { createAppLogger } from '../telemetry/pino-logger.ts';
import { createProcessMetrics } from '../telemetry/process-metrics.ts';
import { createPrometheusMeter, type PrometheusMeter } from '../telemetry/prometheus-meter.ts';
import { createConvertingRegistry } from './converting-parts.ts';
import { openRegistry, type RegistrySession } from './open-registry.ts';
import { type Paths, pathsOf } from './paths.ts';
import { logFamily, modelInfoFamily, problemsOf, registryFamily, summaryOf } from './server-state.ts';
import {
  createFleet,
  createFollower,
  createPool,
  type OnRegistered,
  openPredictionLog,
  registerPaths,
} from './serving-parts.ts';
import { type StorageWorker, startStorageWorker } from './storage-worker.ts';
import { VERSION } from './version.ts';

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** host:port, or null where gRPC is off. */
  readonly grpcAddress: string | null;
  readonly paths: Paths;
  readonly defaultEndpoint: string | null;
  endpoints(): readonly EndpointStatus[];
  /** A row that the default endpoint is known to answer. */
  example(): object | null;
  /** Drains connections, ingests the log to its end, and gives everything back. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly config: Config;
  readonly cwd: string;
  readonly onRegistered?: OnRegistered;
}

/** What runs, as far as it has been started. */
interface Parts {
  readonly config: Config;
  readonly cwd: string;
  readonly logger: Logger;
  readonly meter: PrometheusMeter;
  readonly servingMeter: ServingMeter;
  readonly session: RegistrySession;
  readonly log: SegmentLog;
  readonly fleet: Fleet;
  readonly follower: Follower;
  readonly predictor: Predictor;
  readonly state: { stopping: boolean; storage: StorageWorker | null };
}

const INGEST_DRAIN_MS = 20_000;

/**
 * Puts the server together and starts it in order: log, store, endpoints' models, storage thread. It listens before
 * models are loaded, so that health can say so. What was started is given back in the opposite order, at the end as
 * after a failure.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { config, cwd } = options;
  const closers: (() => unknown)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    return await start(options, closers, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }

  async function start(
    { onRegistered }: StartOptions,
    undo: (() => unknown)[],
    stop: () => Promise<void>,
  ): Promise<RunningServer> {
    const paths = pathsOf(config, cwd);
    const appLog = createAppLogger({
      file: path.join(paths.logs, 'app.log'),
      level: config.logging.level,
      serviceVersion: VERSION,
    });
    undo.push(() => appLog.close());
    const { logger } = appLog;
    const meter = createPrometheusMeter({ clock: systemClock });
    const processMetrics = createProcessMetrics({
      serviceVersion: VERSION,
      directories: [paths.logs, paths.data],
    });
    undo.push(() => processMetrics.close());
    const session = await openRegistry(config, paths, cwd, logger);
    undo.push(() => session.close());
    const located = await registerPaths(config, cwd, session, onRegistered);
    const servingMeter = createServingMeter(meter);
    const threads = new ThreadSessions(() => new Worker(new URL('./inference-thread.js', import.meta.url)));
    undo.push(() => threads.close());
    const converting = createConvertingRegistry(config, paths, located.references, session, logger);
    const pool = createPool(config, { ...session, registry: converting }, threads, servingMeter, logger);
    undo.push(() => pool.close());
    undo.push(() => converting.close());
    const fleet = createFleet(config, paths, located, session, pool, servingMeter, logger);
    const follower = createFollower(config, fleet, logger);
    const state: Parts['state'] = { stopping: false, storage: null };
    undo.push(() => drainStore(state, logger));
    const log = openPredictionLog(config, paths, logger);
    undo.push(() => log.close());
    const predictor = new Predictor({
      log,
      clock: systemClock,
      meter: servingMeter,
      onUnwritable: config.prediction_log.on_unwritable,
      rejectedPerSecond: config.prediction_log.rejected_per_second,
      maxRequestRows: config.serving.max_request_rows,
      deadlineMs: config.serving.deadline_ms,
    });
    meter.collect(() => [modelInfoFamily(fleet), logFamily(log), registryFamily(follower)]);
    meter.collect(() => processMetrics.families());
    const parts: Parts = {
      config,
      cwd,
      logger,
      meter,
      servingMeter,
      session,
      log,
      fleet,
      follower,
      predictor,
      state,
    };
    const service = createService(parts);
    const listener = await createListener(parts, service);
    const grpc = await createGrpc(parts, service);
    const graceMs = config.server.shutdown_grace_ms;
    undo.push(() => Promise.all([listener.drain(graceMs), grpc?.drain(graceMs)]));
    const port = await listener.listen(config.server.host, config.server.port);
    const grpcPort = (await grpc?.listen(config.server.host, config.grpc.port)) ?? null;
    await fleet.start();
    refuseWhenNothingServes(fleet);
    follower.start();
    undo.push(() => follower.stop());
    state.storage = startStorage(config, paths, logger, meter);
    logger.info('Slipway is up', {
      'event.action': 'server.started',
      'server.address': config.server.host,
      'server.port': port,
      ...(grpcPort !== null && { 'server.grpc_port': grpcPort }),
    });
    return {
      port,
      url: urlOf(config, port),
      grpcAddress: grpcPort === null ? null : `${reachableHost(config.server.host)}:${grpcPort}`,
      paths,
      defaultEndpoint: fleet.defaultEndpoint,
      endpoints: () => fleet.endpoints(),
      example: () => (fleet.defaultEndpoint === null ? null : fleet.default().served.example),
      async stop() {
        state.stopping = true;
        logger.info('Slipway is stopping', { 'event.action': 'server.stopping' });
        await stop();
      },
    };
  }
}

function createListener(parts: Parts, service: InferenceService): Promise<HttpListener> {
  const { config, logger, meter, session, log, fleet, follower, predictor, state } = parts;
  const oip = { service, clock: systemClock, bodyLimitBytes: config.server.body_limit_bytes };
  return createHttpListener(
    httpOptions(config, parts.cwd),
    {
      open: (app) => {
        registerHealthRoutes(app, {
          version: VERSION,
          uptimeSeconds: () => process.uptime(),
          endpoints: () => fleet.endpoints(),
          ready: () => isReady(parts),
          problems: () => [...problemsOf(log, state.storage, state.stopping), ...follower.problems()],
        });
        registerOipHealth(app, oip);
        const secret = config.registry.mlflow.webhook_secret;
        if (secret !== undefined) {
          registerMlflowWebhook(app, {
            signature: new MlflowSignature(secret, () => systemClock.now()),
            nudge: (model) => follower.nudge(model),
          });
        }
        registerMlflowProbes(app, () =>
          fleet.endpoints().some(({ name, state: is }) => name === fleet.defaultEndpoint && is === 'ready'),
        );
        registerPages(app, {
          version: VERSION,
          assets: fileURLToPath(new URL('./docs-assets', import.meta.url)),
          endpoints: () => fleet.endpoints(),
          openApi: () =>
            openApiDocument({
              version: VERSION,
              targets: targetsOf(fleet),
              hasDefault: fleet.defaultEndpoint !== null,
              needsKey: config.auth.api_key !== undefined,
              hasWebhook: secret !== undefined,
            }),
        });
      },
      keyed: (app) => {
        registerPredictRoutes(app, { fleet, predictor, clock: systemClock });
        registerStreamRoutes(app, { fleet, predictor, clock: systemClock, logger });
        const maxRequestRows = config.serving.max_request_rows;
        registerInvocations(app, { fleet, predictor, clock: systemClock, logger, maxRequestRows });
        registerKserveRoutes(app, { fleet, predictor, clock: systemClock, logger });
        registerModelRoutes(app, { fleet, registry: session.registry });
        registerOipRoutes(app, oip);
        registerMetricsRoute(app, {
          expose: (accept) => meter.expose(accept),
          summary: () => summaryOf(meter),
        });
      },
      changing: (app) => {
        registerFeedbackRoute(app, { log, clock: systemClock });
        registerOipChanges(app, oip);
      },
      fast: new Map([
        ...fastPaths({ fleet, predictor, clock: systemClock }),
        ...fastInferPaths(fleet.names(), oip),
      ]),
      errorForms: new Map([['/v2', oipErrorForm]]),
      clock: systemClock,
    },
    logger,
  );
}

function isReady({ config, fleet, log, state }: Parts): boolean {
  const answersUnlogged = config.prediction_log.on_unwritable === 'answer';
  return !state.stopping && fleet.ready && (log.failure === null || answersUnlogged);
}

function createService(parts: Parts): InferenceService {
  return createInferenceService({
    fleet: parts.fleet,
    registry: parts.session.registry,
    predictor: parts.predictor,
    version: VERSION,
    ready: () => isReady(parts),
    tallyOf: (version) => parts.servingMeter.tally(version),
    maxRequestRows: parts.config.serving.max_request_rows,
  });
}

/** Loaded only where it is on. */
async function createGrpc(parts: Parts, service: InferenceService): Promise<GrpcListener | null> {
  const { config, cwd, logger } = parts;
  if (!config.grpc.enabled) return null;
  const { createGrpcListener } = await import('../grpc/server.ts');
  const { bodyLimitBytes, tls, apiKey } = httpOptions(config, cwd);
  return createGrpcListener(
    {
      bodyLimitBytes,
      tls,
      apiKey,
      maxConnectionAgeMs: config.grpc.max_connection_age_ms,
      graceMs: config.server.shutdown_grace_ms,
    },
    { service, clock: systemClock, logger },
  );
}

function httpOptions({ server, auth }: Config, cwd: string): HttpOptions {
  const { tls } = server;
  return {
    bodyLimitBytes: server.body_limit_bytes,
    requestTimeoutMs: server.request_timeout_ms,
    keepAliveTimeoutMs: server.keep_alive_timeout_ms,
    apiKey: auth.api_key,
    tls: tls && {
      certFile: path.resolve(cwd, tls.cert_file),
      keyFile: path.resolve(cwd, tls.key_file),
      caFile: tls.ca_file && path.resolve(cwd, tls.ca_file),
    },
  };
}

function startStorage(config: Config, paths: Paths, logger: Logger, meter: PrometheusMeter): StorageWorker {
  const { retention_days, retention_bytes } = config.prediction_log;
  return startStorageWorker(
    new URL('./storage-thread.js', import.meta.url),
    {
      storeUrl: paths.storeUrl,
      directory: paths.logs,
      retention: { maxAgeDays: retention_days, maxBytes: retention_bytes },
    },
    { clock: systemClock, logger, meter },
  );
}

/** Runs after the log was closed: the thread reads it to its end. */
async function drainStore({ storage }: Parts['state'], logger: Logger): Promise<void> {
  if (storage === null) return;
  const left = await storage.drain(INGEST_DRAIN_MS);
  if (left !== 0) logger.warn(`${left} bytes of the prediction log are left for the next start to ingest`);
  logger.info('Slipway has stopped', { 'event.action': 'server.stopped' });
}

function urlOf({ server }: Config, port: number): string {
  return `${server.tls === undefined ? 'http' : 'https'}://${reachableHost(server.host)}:${port}`;
}

function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function refuseWhenNothingServes(fleet: Fleet): void {
  const endpoints = fleet.endpoints();
  if (endpoints.length === 0) {
    throw new AppError(
      'CONFIG_INVALID',
      'There is nothing to serve: `slipway serve ./model.onnx`, or name endpoints in slipway.yaml (`slipway init`)',
    );
  }
  if (endpoints.some((endpoint) => endpoint.state === 'ready')) return;
  throw new AppError(
    'NOT_READY',
    endpoints.map((endpoint) => `${endpoint.name}: ${endpoint.reason}`).join('; '),
  );
}

function targetsOf(fleet: Fleet): readonly Target[] {
  const ready = fleet.endpoints().filter((endpoint) => endpoint.state === 'ready');
  const names = ready.map((endpoint) => endpoint.name);
  return names
    .sort((a, b) => Number(b === fleet.defaultEndpoint) - Number(a === fleet.defaultEndpoint))
    .map((name) => fleet.named(name));
}
