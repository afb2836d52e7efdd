import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultEndpointOf } from '../config/load-config.ts';
import type { Config } from '../config/schema.ts';
import { registerFeedbackRoute } from '../http/native/feedback-route.ts';
import { registerModelRoutes } from '../http/native/model-routes.ts';
import { fastPaths, registerPredictRoutes } from '../http/native/predict-routes.ts';
import { registerHealthRoutes, registerMetricsRoute } from '../http/native/system-routes.ts';
import { openApiDocument } from '../http/openapi.ts';
import { registerPages } from '../http/pages.ts';
import { createHttpListener, type HttpListener } from '../http/server.ts';
import { statusOf } from '../http/status.ts';
import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { type EndpointStatus, Fleet } from '../serving/fleet.ts';
import { compileRedaction } from '../serving/prediction-log/redaction.ts';
import { SegmentLog } from '../serving/prediction-log/segment-log.ts';
import { Predictor } from '../serving/predictor.ts';
import { loadVersion } from '../serving/served-version.ts';
import { createServingMeter } from '../serving/serving-meter.ts';
import type { Target } from '../serving/target.ts';
import { VersionPool } from '../serving/version-pool.ts';
import { summarizeMetrics } from '../telemetry/metrics-summary.ts';
import { createAppLogger } from '../telemetry/pino-logger.ts';
import { createProcessMetrics } from '../telemetry/process-metrics.ts';
import { createPrometheusMeter, type PrometheusMeter } from '../telemetry/prometheus-meter.ts';
import { openRegistry, type RegistrySession } from './open-registry.ts';
import { type Paths, pathsOf } from './paths.ts';
import { type StorageWorker, startStorageWorker } from './storage-worker.ts';
import { VERSION } from './version.ts';

export interface RunningServer {
  readonly url: string;
  readonly port: number;
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
  /** Endpoints whose model is a path are registered first; called with what was found. */
  readonly onRegistered?: (path: string, version: string, created: boolean) => void;
}

const INGEST_DRAIN_MS = 20_000;

/** Puts the whole server together, starts it in order, and hands back how to stop it in the opposite order. */
export async function startServer({ config, cwd, onRegistered }: StartOptions): Promise<RunningServer> {
  const paths = pathsOf(config, cwd);
  const appLog = createAppLogger({
    file: path.join(paths.logs, 'app.log'),
    level: config.logging.level,
    serviceVersion: VERSION,
  });
  const { logger } = appLog;
  const meter = createPrometheusMeter({ clock: systemClock });
  const processMetrics = createProcessMetrics({
    serviceVersion: VERSION,
    directories: [paths.logs, paths.data],
  });
  meter.collect(() => processMetrics.families());
  const session = await openRegistry(paths, logger);
  const log = openPredictionLog(config, paths, logger);
  const stopping = { now: false };
  let listener: HttpListener | null = null;
  let storage: StorageWorker | null = null;
  try {
    const references = await registerPaths(config, cwd, session, onRegistered);
    const servingMeter = createServingMeter(meter);
    const pool = createPool(config, session, servingMeter, logger);
    const fleet = createFleet(config, references, session, pool, servingMeter, logger);
    const predictor = new Predictor({
      log,
      clock: systemClock,
      meter: servingMeter,
      onUnwritable: config.prediction_log.on_unwritable,
      rejectedPerSecond: config.prediction_log.rejected_per_second,
      maxRequestRows: config.serving.max_request_rows,
    });
    meter.collect(() => [modelInfoFamily(fleet), logFamily(log)]);
    const health = {
      version: VERSION,
      uptimeSeconds: () => process.uptime(),
      endpoints: () => fleet.endpoints(),
      ready: () =>
        !stopping.now &&
        fleet.ready &&
        (log.failure === null || config.prediction_log.on_unwritable === 'answer'),
      problems: () => problemsOf(log, storage, stopping.now),
    };
    const server = config.server;
    listener = await createHttpListener(
      {
        bodyLimitBytes: server.body_limit_bytes,
        requestTimeoutMs: server.request_timeout_ms,
        keepAliveTimeoutMs: server.keep_alive_timeout_ms,
        tls: server.tls && {
          certFile: path.resolve(cwd, server.tls.cert_file),
          keyFile: path.resolve(cwd, server.tls.key_file),
          caFile: server.tls.ca_file && path.resolve(cwd, server.tls.ca_file),
        },
        apiKey: config.auth.api_key,
      },
      {
        open: (app) => {
          registerHealthRoutes(app, health);
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
              }),
          });
        },
        keyed: (app) => {
          registerPredictRoutes(app, { fleet, predictor, clock: systemClock });
          registerModelRoutes(app, { fleet, registry: session.registry });
          registerMetricsRoute(app, {
            expose: (accept) => meter.expose(accept),
            summary: () => summaryOf(meter),
          });
        },
        changing: (app) => registerFeedbackRoute(app, { log, clock: systemClock }),
        fast: fastPaths({ fleet, predictor, clock: systemClock }),
        clock: systemClock,
      },
      logger,
    );
    const port = await listener.listen(server.host, server.port);
    await fleet.start();
    refuseWhenNothingServes(fleet);
    storage = startStorageWorker(
      new URL('./storage-thread.js', import.meta.url),
      {
        storeUrl: paths.storeUrl,
        directory: paths.logs,
        retention: {
          maxAgeDays: config.prediction_log.retention_days,
          maxBytes: config.prediction_log.retention_bytes,
        },
      },
      { clock: systemClock, logger, meter },
    );
    logger.info('Slipway is up', {
      'event.action': 'server.started',
      'server.address': server.host,
      'server.port': port,
    });
    const open = listener;
    const worker = storage;
    return {
      port,
      url: `${server.tls === undefined ? 'http' : 'https'}://${server.host === '0.0.0.0' || server.host === '::' ? 'localhost' : server.host}:${port}`,
      paths,
      defaultEndpoint: fleet.defaultEndpoint,
      endpoints: () => fleet.endpoints(),
      example: () => (fleet.defaultEndpoint === null ? null : fleet.default().served.example),
      async stop() {
        stopping.now = true;
        logger.info('Slipway is stopping', { 'event.action': 'server.stopping' });
        await open.drain(server.shutdown_grace_ms);
        await log.close();
        const lag = await worker.drain(INGEST_DRAIN_MS);
        if (lag !== 0)
          logger.warn(`${lag} bytes of the prediction log are left for the next start to ingest`);
        await pool.close();
        await session.close();
        processMetrics.close();
        logger.info('Slipway has stopped', { 'event.action': 'server.stopped' });
        appLog.close();
      },
    };
  } catch (error) {
    await listener?.app.close();
    await log.close();
    await session.close();
    processMetrics.close();
    appLog.close();
    throw error;
  }
}

function openPredictionLog(config: Config, paths: Paths, logger: Logger): SegmentLog {
  const settings = config.prediction_log;
  const log = new SegmentLog(
    {
      directory: paths.logs,
      segmentBytes: settings.segment_bytes,
      fsync: settings.fsync,
      fsyncIntervalMs: settings.fsync_interval_ms,
      serviceVersion: VERSION,
    },
    systemClock,
    logger,
  );
  log.open();
  return log;
}

/** An endpoint may name a file or directory: it is registered, unless it is already, and served by its number. */
async function registerPaths(
  config: Config,
  cwd: string,
  session: RegistrySession,
  onRegistered: StartOptions['onRegistered'],
): Promise<ReadonlyMap<string, string>> {
  const references = new Map<string, string>();
  for (const [name, endpoint] of Object.entries(config.endpoints)) {
    const isPath = /^[./~]|^[A-Za-z]:[\\/]|\.onnx$/.test(endpoint.model);
    if (!isPath) {
      references.set(name, endpoint.model);
      continue;
    }
    const location = path.resolve(cwd, endpoint.model);
    const { version, created } = await session.registry.register({ location });
    references.set(name, `${version.model}/${version.number}`);
    onRegistered?.(endpoint.model, `${version.model}/${version.number}`, created);
  }
  return references;
}

function createPool(
  config: Config,
  session: RegistrySession,
  meter: ReturnType<typeof createServingMeter>,
  logger: Logger,
): VersionPool {
  const { serving } = config;
  return new VersionPool({
    clock: systemClock,
    logger,
    onDemandVersions: serving.on_demand_versions,
    load: (version) =>
      loadVersion(version, {
        registry: session.registry,
        runtime: session.runtime,
        clock: systemClock,
        batching: {
          maxBatchRows: serving.max_batch_rows,
          maxQueueRows: serving.max_queue_rows,
          deadlineMs: serving.deadline_ms,
        },
        onRun: (ran, rows) => meter.run(ran, rows),
      }),
  });
}

function createFleet(
  config: Config,
  references: ReadonlyMap<string, string>,
  session: RegistrySession,
  pool: VersionPool,
  meter: ReturnType<typeof createServingMeter>,
  logger: Logger,
): Fleet {
  return new Fleet({
    registry: session.registry,
    pool,
    meter,
    logger,
    statusOf,
    defaultEndpoint: defaultEndpointOf(config) ?? null,
    endpoints: Object.entries(config.endpoints).map(([name, endpoint]) => ({
      name,
      reference: references.get(name) ?? endpoint.model,
      required: endpoint.required,
      redact: compileRedaction(endpoint.redact, config.prediction_log.hash_key),
    })),
  });
}

function refuseWhenNothingServes(fleet: Fleet): void {
  const endpoints = fleet.endpoints();
  if (endpoints.length === 0)
    throw new AppError(
      'CONFIG_INVALID',
      'There is nothing to serve: `slipway serve ./model.onnx`, or name endpoints in slipway.yaml (`slipway init`)',
    );
  if (endpoints.some((endpoint) => endpoint.state === 'ready')) return;
  throw new AppError(
    'NOT_READY',
    endpoints.map((endpoint) => `${endpoint.name}: ${endpoint.reason}`).join('; '),
  );
}

function problemsOf(log: SegmentLog, storage: StorageWorker | null, stopping: boolean): readonly string[] {
  const problems: string[] = [];
  if (stopping) problems.push('the process is shutting down');
  if (log.failure !== null)
    problems.push(`the prediction log cannot be written since ${new Date(log.failure.since).toISOString()}`);
  const storageProblem = storage?.problem() ?? null;
  if (storageProblem !== null) problems.push(storageProblem);
  return problems;
}

function targetsOf(fleet: Fleet): readonly Target[] {
  const names = fleet
    .endpoints()
    .filter((endpoint) => endpoint.state === 'ready')
    .map((endpoint) => endpoint.name);
  const first = fleet.defaultEndpoint;
  return [...names]
    .sort((a, b) => Number(b === first) - Number(a === first))
    .map((name) => fleet.named(name));
}

function summaryOf(meter: PrometheusMeter): object {
  return summarizeMetrics({
    requests: meter.readCounter('slipway_requests_total'),
    isError: (labels) => labels['outcome'] === 'failed' || labels['outcome'] === 'timeout',
    durations: meter
      .readDurations('slipway_request_duration_seconds')
      .filter(({ labels }) => labels['stage'] === 'total'),
    windowSeconds: meter.windowSeconds(),
  });
}

function modelInfoFamily(fleet: Fleet) {
  return {
    name: 'slipway_model_info',
    help: 'Model versions in memory; the value is always 1',
    type: 'gauge' as const,
    samples: fleet.loaded().map(({ version, label }) => ({
      sharedLabels: {
        model: version.model,
        version: label,
        number: String(version.number),
        flavor: version.flavor,
        digest: version.digest,
      },
      value: 1,
    })),
  };
}

function logFamily(log: SegmentLog) {
  return {
    name: 'slipway_log_writable',
    help: '1 while the prediction log can be written',
    type: 'gauge' as const,
    samples: [{ sharedLabels: {}, value: log.failure === null ? 1 : 0 }],
  };
}
