import { z } from 'zod';

/**
 * The one description of the configuration. Types, defaults, environment names (`server.port` is
 * `SLIPWAY_SERVER_PORT`), `config show`, the commented `slipway.yaml` and the reference page all follow it.
 * `meta({ secret: true })`: never printed, and may come from `…_FILE`.
 */
const bytes = z.number().int().positive();
const milliseconds = z.number().int().positive();

const tls = z.strictObject({
  cert_file: z.string().min(1).describe('Certificate chain, PEM'),
  key_file: z.string().min(1).describe('Private key, PEM'),
  ca_file: z
    .string()
    .min(1)
    .optional()
    .describe('When set, only clients with a certificate of this authority are let in'),
});

const server = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on; 0.0.0.0 opens it to the network'),
  port: z.number().int().min(0).max(65535).default(8000).describe('Port to listen on; 0 takes a free one'),
  body_limit_bytes: bytes
    .default(10 * 1024 * 1024)
    .describe('Largest request body; past it the caller gets 413'),
  request_timeout_ms: milliseconds
    .default(30_000)
    .describe('Time for a whole request to arrive; past it 408'),
  keep_alive_timeout_ms: milliseconds
    .default(5_000)
    .describe('How long an idle connection stays open; must be shorter than shutdown_grace_ms'),
  shutdown_grace_ms: milliseconds
    .default(25_000)
    .describe('Time from SIGTERM for open connections to finish'),
  tls: tls.optional().describe('HTTPS instead of HTTP'),
});

const grpc = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      'The Open Inference Protocol over gRPC, beside HTTP: same address, certificates, API key and body limit',
    ),
  port: z
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8001)
    .describe('Port of the gRPC server; 0 takes a free one'),
  max_connection_age_ms: milliseconds
    .max(7 * 86_400_000)
    .default(600_000)
    .describe(
      'How long a connection takes new calls; its client then opens another, which may reach another replica',
    ),
});

const auth = z.strictObject({
  api_key: z
    .string()
    .min(16)
    .optional()
    .meta({ secret: true })
    .describe(
      'When set, every route but health and the API documentation needs it (`Authorization: Bearer …` or `X-API-Key`). When not, routes that change something answer on loopback only',
    ),
});

const endpoint = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe(
      'What it serves: `name` (newest version), `name@alias`, `name/7`, `models:/name/Production`, or a path',
    ),
  required: z.boolean().default(true).describe('Whether readiness waits for it'),
  redact: z
    .record(z.string(), z.enum(['drop', 'hash']))
    .default({})
    .describe('Per raw field: leave it out of the prediction log, or log a keyed hash (HMAC-SHA-256) of it'),
  on_signature_change: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe(
      'Whether a new version may take over that no longer takes the rows, or gives the answers, of the one that serves',
    ),
  convert: z
    .enum(['off', 'auto'])
    .default('off')
    .describe(
      '`auto`: versions of this model that run in Python are converted to ONNX when they are loaded, and served so where the proof holds',
    ),
});

const mlflow = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/[^\s]+$/, 'must begin with http:// or https://')
    .optional()
    .describe(
      'An MLflow server; `models:/…` is looked up there then. The environment of a notebook is honoured: MLFLOW_REGISTRY_URI, MLFLOW_TRACKING_URI',
    ),
  token: z
    .string()
    .min(1)
    .optional()
    .meta({ secret: true })
    .describe('Bearer token; goes before user name and password (MLFLOW_TRACKING_TOKEN)'),
  username: z.string().min(1).optional().describe('For Basic authentication (MLFLOW_TRACKING_USERNAME)'),
  password: z
    .string()
    .min(1)
    .optional()
    .meta({ secret: true })
    .describe('For Basic authentication (MLFLOW_TRACKING_PASSWORD)'),
  ca_file: z
    .string()
    .min(1)
    .optional()
    .describe("PEM of the authority of the server's certificate (MLFLOW_TRACKING_SERVER_CERT_PATH)"),
  cache_bytes: bytes
    .default(10 * 1024 * 1024 * 1024)
    .describe('Most bytes of fetched versions that are kept; those used longest ago go first'),
  webhook_secret: z
    .string()
    .min(16)
    .optional()
    .meta({ secret: true })
    .describe(
      'Secret of the MLflow webhook that calls POST /webhooks/mlflow; without it there is no such route',
    ),
});

const registry = z.strictObject({
  mlflow: mlflow.prefault({}).describe('The MLflow model registry'),
  poll_interval_ms: milliseconds
    .default(5_000)
    .describe('How often endpoints look where their alias or stage points now, give or take a fifth'),
  keep_previous: z
    .number()
    .int()
    .min(1)
    .max(10)
    .default(1)
    .describe('How many versions that an endpoint served before stay in memory, for a way back'),
  rollback_window_ms: milliseconds.default(600_000).describe('How long they stay'),
});

const serving = z.strictObject({
  max_batch_rows: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(256)
    .describe('Most rows in one run of a model'),
  max_queue_rows: z
    .number()
    .int()
    .min(1)
    .default(20_000)
    .describe('Most rows waiting for one model version; past it 503'),
  deadline_ms: milliseconds.default(10_000).describe('Longest time for one prediction; past it 504'),
  max_request_rows: z
    .number()
    .int()
    .min(1)
    .default(10_000)
    .describe('Most rows in one batch request; past it 413'),
  on_demand_versions: z
    .number()
    .int()
    .min(0)
    .default(4)
    .describe('How many versions outside the endpoints stay loaded for version and alias paths'),
});

const python = z.strictObject({
  trusted: z
    .array(
      z.string().regex(/^(embedded|mlflow|sha256:[0-9a-f]{64})$/, 'must be embedded, mlflow or sha256:…'),
    )
    .default([])
    .describe(
      'Whose code may run: all versions of a registry (`embedded`, `mlflow`), or one by its digest (`sha256:…`). Pickles, and most of what Python saves, run code when they are loaded',
    ),
  interpreter: z
    .string()
    .min(1)
    .default('python3')
    .describe('The Python that runs models: a name on the PATH, or a path'),
  environment: z
    .enum(['system', 'model'])
    .default('system')
    .describe(
      "`system`: the interpreter with the packages that it has. `model`: an environment made of the model's own requirements.txt or python_env.yaml, kept below data_dir",
    ),
  workers: z.number().int().min(1).max(64).default(1).describe('Processes for each version'),
  memory_limit_bytes: bytes
    .optional()
    .describe('Most memory of one process; one that passes it is ended and started anew'),
  start_timeout_ms: milliseconds
    .default(60_000)
    .describe('Time for a process to load its model; past it it is ended'),
  convert_timeout_ms: milliseconds
    .default(300_000)
    .describe('Longest time for a conversion to ONNX with its proof; past it the model is served by Python'),
  retry: z
    .boolean()
    .default(true)
    .describe('Whether the requests of a batch under which the process died are tried once more, each alone'),
});

const text = z.strictObject({
  beams: z
    .number()
    .int()
    .min(1)
    .max(16)
    .optional()
    .describe('Beams of the search for the best text; 1 is greedy. By default what the model says'),
  max_output_tokens: z
    .number()
    .int()
    .min(1)
    .max(4096)
    .default(256)
    .describe('Longest answer to one sentence'),
});

const remote = z.strictObject({
  timeout_ms: milliseconds.default(10_000).describe('Longest time for one call; past it 504'),
  connect_timeout_ms: milliseconds.default(2_000).describe('Longest time for a connection'),
  retries: z
    .number()
    .int()
    .min(0)
    .max(5)
    .default(1)
    .describe('How often a call is made again of which no answer came, or 503; within `timeout_ms`'),
  breaker_failures: z
    .number()
    .int()
    .min(1)
    .default(5)
    .describe('Failures in a row after which the server is left alone'),
  breaker_open_ms: milliseconds.default(5_000).describe('How long it is left alone before it is tried again'),
  servers: z
    .array(z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }))
    .default([])
    .describe('The only servers that models may name, each as `https://host:port`; any where there is none'),
  headers: z
    .record(z.string(), z.string().meta({ secret: true }))
    .default({})
    .describe('Sent with every call, such as `authorization`; needs `servers`, which says who may read them'),
});

const predictionLog = z.strictObject({
  fsync: z
    .enum(['never', 'interval', 'group'])
    .default('never')
    .describe(
      'When lines are forced to the disk; `group` before each answer. A killed process loses nothing either way',
    ),
  fsync_interval_ms: milliseconds.default(1_000).describe('How often, with `fsync: interval`'),
  segment_bytes: bytes.default(256 * 1024 * 1024).describe('A segment of the log is closed past this size'),
  retention_days: z.number().positive().default(90).describe('Ingested segments older than this are deleted'),
  retention_bytes: bytes
    .default(10 * 1024 * 1024 * 1024)
    .describe('The oldest ingested segments are deleted while all segments together are larger than this'),
  on_unwritable: z
    .enum(['refuse', 'answer'])
    .default('refuse')
    .describe('When the log cannot be written: 503, or answer with `"logged": false`'),
  rejected_per_second: z
    .number()
    .int()
    .min(0)
    .default(50)
    .describe('Most rejected requests a second that get a line; all are counted in the metrics'),
  hash_key: z
    .string()
    .min(16)
    .optional()
    .meta({ secret: true })
    .describe('Key of the hashes of `redact: hash`'),
});

const logging = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least severe level in logs/app.log'),
});

export const configSchema = z.strictObject({
  server: server.prefault({}).describe('The HTTP server'),
  grpc: grpc.prefault({}).describe('The gRPC server'),
  auth: auth.prefault({}).describe('Who may call'),
  data_dir: z.string().min(1).default('.slipway').describe('The embedded registry and store'),
  logs_dir: z.string().min(1).default('logs').describe('Prediction log segments and app.log'),
  store: z
    .strictObject({
      url: z
        .string()
        .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, 'must begin with sqlite: or postgres://')
        .optional()
        .meta({ secret: true })
        .describe('`sqlite:PATH` or `postgres://…`; the default is slipway.db inside data_dir'),
    })
    .prefault({})
    .describe('Where registry state and ingested records live'),
  endpoints: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'letters, digits, dot, dash, underscore'),
      endpoint,
    )
    .default({})
    .describe('What clients call, by name'),
  default_endpoint: z
    .string()
    .min(1)
    .optional()
    .describe('The endpoint of POST /predict; must be named when there are several'),
  registry: registry.prefault({}).describe('Where models come from, and how endpoints follow it'),
  serving: serving.prefault({}).describe('Batching, queues and deadlines'),
  python: python.prefault({}).describe('Models that run in Python'),
  text: text.prefault({}).describe('Models that make a text of a text'),
  remote: remote.prefault({}).describe('Models of other servers of the Open Inference Protocol'),
  prediction_log: predictionLog.prefault({}).describe('The prediction log'),
  logging: logging.prefault({}).describe('The application log'),
});

export type Config = z.infer<typeof configSchema>;
