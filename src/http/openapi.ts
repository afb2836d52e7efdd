import { z } from 'zod';
import { feedbackAnswer, feedbackItem, health, modelInfo, modelList, problem } from '../contracts/native.ts';
import {
  describeField,
  type Field,
  floatMaximum,
  integerBounds,
  type Signature,
} from '../models/signature.ts';
import type { Target } from '../serving/target.ts';
import { oipPaths } from './oip/oip-paths.ts';
import { scoringPaths } from './scoring-paths.ts';
import { webhookPath } from './webhooks/webhook-path.ts';

type Schema = Record<string, unknown>;

interface OpenApiSource {
  readonly version: string;
  /** Endpoints that can answer now, the default one first. */
  readonly targets: readonly Target[];
  readonly hasDefault: boolean;
  readonly needsKey: boolean;
  /** Whether MLflow may call. */
  readonly hasWebhook: boolean;
}

/** What needs no key where one is configured. */
const OPEN_PATHS = /^\/(|ping|version|health(\/.+)?|v2|v2\/health\/.+)$/;

/** OpenAPI 3.1 of this process as it is now: each endpoint's routes are typed by its model's own signature. */
export function openApiDocument(source: OpenApiSource): Schema {
  const { version, targets, hasDefault, needsKey, hasWebhook } = source;
  const schemas: Record<string, Schema> = Object.fromEntries(
    Object.entries({
      Problem: problem,
      Health: health,
      ModelInfo: modelInfo,
      ModelList: modelList,
      Feedback: feedbackItem,
      FeedbackAnswer: feedbackAnswer,
    }).map(([name, schema]) => [name, toJsonSchema(schema)]),
  );
  const served = hasDefault ? targets[0]?.served : undefined;
  const paths: Record<string, Schema> = {
    ...systemPaths(),
    ...scoringPaths(served?.signature.fields ?? [], served?.example ?? null),
    ...oipPaths(served?.signature.fields ?? [], served?.example ?? null),
    ...(hasWebhook && webhookPath(problemResponse())),
  };
  targets.forEach((target, index) => {
    const { endpoint } = target;
    schemas[`${endpoint}.Input`] = recordSchema(target.served.signature);
    schemas[`${endpoint}.Answer`] = answerSchema(target.served.signature, true);
    schemas[`${endpoint}.BatchAnswer`] = batchAnswerSchema(target.served.signature);
    const routes = predictPaths(target);
    if (index === 0 && hasDefault) Object.assign(paths, routes('', 'Predict'));
    Object.assign(paths, routes(`/models/${endpoint}`, 'Models'));
  });
  if (needsKey)
    for (const [path, { get }] of Object.entries(paths))
      if (OPEN_PATHS.test(path)) Object.assign(get as Schema, { security: [] });
  return {
    openapi: '3.1.0',
    info: { title: 'Slipway', version, description: 'Predictions of the models that this process serves.' },
    paths,
    components: {
      schemas,
      ...(needsKey && {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        },
      }),
    },
    ...(needsKey && { security: [{ bearer: [] }, { apiKey: [] }] }),
  };
}

/** zod puts a schema that has an id behind `#/$defs/…`, which is nowhere in an OpenAPI document: it is taken out. */
function toJsonSchema(schema: z.ZodType): Schema {
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
  const [own] = Object.values((made['$defs'] ?? {}) as Record<string, Schema>);
  const { $schema: _, $defs: __, id: ___, ...rest } = made['$ref'] === undefined ? made : (own ?? {});
  return JSON.parse(JSON.stringify(rest), (_key, value) => (isAnyJson(value) ? {} : value)) as Schema;
}

/** What z.json() becomes: a schema that refers to itself and takes everything. */
function isAnyJson(value: unknown): boolean {
  const target = (value as { $ref?: unknown } | null)?.$ref;
  return typeof target === 'string' && target.startsWith('#/$defs/__schema');
}

function predictPaths(target: Target): (prefix: string, tag: string) => Record<string, Schema> {
  const { endpoint, served } = target;
  const example = served.example ?? undefined;
  const input = ref(`${endpoint}.Input`);
  const bare: Schema[] = served.signature.acceptsArray
    ? [{ type: 'array', description: 'all fields in order' }]
    : [];
  const wrapped = {
    type: 'object',
    required: ['features'],
    additionalProperties: false,
    properties: {
      features: bare.length > 0 ? { anyOf: [input, ...bare] } : input,
      id: { type: 'string', maxLength: 256 },
      key: { type: 'string', maxLength: 256 },
      timestamp: { type: 'string', maxLength: 256 },
    },
  };
  const one = { body: { anyOf: [wrapped, input, ...bare] }, example: example && { features: example } };
  return (prefix, tag) => ({
    [`${prefix}/predict`]: {
      post: operation(tag, `Answer one row with ${served.version.model} ${served.label}`, {
        ...one,
        answer: ref(`${endpoint}.Answer`),
      }),
    },
    ...(served.streams && { [`${prefix}/predict/stream`]: { post: streamOperation(tag, one) } }),
    [`${prefix}/predict/batch`]: {
      post: operation(tag, 'Answer many rows; a bad row has its own error', {
        body: {
          type: 'object',
          required: ['instances'],
          properties: { instances: { type: 'array', items: {} } },
        },
        example: example && { instances: [example] },
        answer: ref(`${endpoint}.BatchAnswer`),
      }),
    },
  });
}

function systemPaths(): Record<string, Schema> {
  const get = (tag: string, summary: string, schema: string): Schema => ({
    get: operation(tag, summary, { answer: ref(schema) }),
  });
  const health503 = {
    get: withNotReady({
      ...operation('Health', 'Whether required endpoints can answer', {}),
      operationId: 'ready',
    }),
  };
  return {
    '/feedback': {
      post: operation('Feedback', 'Say what turned out to be true', {
        body: { anyOf: [ref('Feedback'), { type: 'array', items: {}, minItems: 1 }] },
        example: { prediction_id: '0198f000-0000-7000-8000-000000000000', actual: 'high' },
        answer: ref('FeedbackAnswer'),
      }),
    },
    '/health': get('Health', 'State of the process and its endpoints', 'Health'),
    '/health/live': { get: operation('Health', 'Whether the process runs', {}) },
    '/health/ready': health503,
    '/model/info': get('Models', 'The version behind POST /predict', 'ModelInfo'),
    '/models': get('Models', 'Registered models and their versions', 'ModelList'),
    '/models/{name}': {
      parameters: [pathParameter('name')],
      get: operation('Models', 'Every version of one model', {
        answer: {
          type: 'object',
          required: ['name', 'versions'],
          properties: { name: { type: 'string' }, versions: { type: 'array', items: ref('ModelInfo') } },
        },
      }),
    },
    '/': { get: operation('Pages', 'Whether the process is alive; an index for browsers', {}) },
    ...versionPaths(),
    '/metrics': {
      get: {
        tags: ['Metrics'],
        summary: 'Prometheus text; JSON with ?format=json',
        responses: { 200: { description: 'Metrics' }, default: problemResponse() },
      },
    },
  };
}

function operation(
  tag: string,
  summary: string,
  { body, example, answer }: { body?: Schema; example?: unknown; answer?: Schema },
): Schema {
  return {
    tags: [tag],
    summary,
    ...(body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: body, ...(example !== undefined && { example }) } },
      },
    }),
    responses: {
      200: {
        description: 'Answer',
        content: { 'application/json': { schema: answer ?? { type: 'object' } } },
      },
      default: problemResponse(),
    },
  };
}

function streamOperation(tag: string, given: { body: Schema; example?: unknown }): Schema {
  const content = { 'text/event-stream': { schema: { type: 'string' } } };
  const description =
    'Server-sent events: `piece` with {"text"}, and at the end `answer`, as /predict answers, or `error` with a problem';
  return {
    ...operation(tag, 'Answer one text in pieces, as they are ready', given),
    responses: { 200: { description, content }, default: problemResponse() },
  };
}

/** Paths whose model is known by the request only: typed as any row and any answer. */
function versionPaths(): Record<string, Schema> {
  const ways: readonly (readonly [string, readonly string[]])[] = [
    ['/predict/v{major}', ['major']],
    ['/models/{name}/predict', ['name']],
    ['/models/{name}/versions/{version}/predict', ['name', 'version']],
    ['/models/{name}/aliases/{alias}/predict', ['name', 'alias']],
  ];
  return Object.fromEntries(
    ways.flatMap(([path, names]) =>
      ['', '/batch'].map((end) => [
        path + end,
        {
          parameters: names.map(pathParameter),
          post: operation('Versions', 'Answer with that version; 503 while it is being loaded', {
            body: {},
            answer: { type: 'object', required: ['model', 'model_version', 'inference_time_ms'] },
          }),
        },
      ]),
    ),
  );
}

function pathParameter(name: string): Schema {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}

function withNotReady(ready: Schema): Schema {
  const responses = ready['responses'] as Schema;
  return {
    ...ready,
    responses: { ...responses, 503: { ...(responses[200] as Schema), description: 'Not ready' } },
  };
}

function problemResponse(): Schema {
  return { description: 'Problem', content: { 'application/problem+json': { schema: ref('Problem') } } };
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** JSON Schema of one row. */
export function recordSchema(signature: Signature): Schema {
  return {
    type: 'object',
    additionalProperties: false,
    required: signature.fields.filter((field) => field.required).map((field) => field.name),
    properties: Object.fromEntries(signature.fields.map((field) => [field.name, fieldSchema(field)])),
  };
}

function fieldSchema(field: Field): Schema {
  const shaped = field.shape.reduceRight<Schema>(
    (items, size) => ({ type: 'array', items, ...(size !== -1 && { minItems: size, maxItems: size }) }),
    scalarSchema(field),
  );
  const told = [field.description, field.unit, describeField(field)].filter((part) => part !== undefined);
  return { ...shaped, description: told.join('; ') };
}

function scalarSchema(field: Field): Schema {
  const { type, nullable, oneOf, format, minimum, maximum } = field;
  const bounds = integerBounds(type);
  const most = floatMaximum(type);
  const name =
    type === 'string' ? 'string' : type === 'bool' ? 'boolean' : bounds === null ? 'number' : 'integer';
  return {
    type: nullable ? [name, 'null'] : name,
    ...(bounds !== null && { minimum: bounds[0], maximum: bounds[1] }),
    ...(most !== null && type !== 'float64' && { minimum: -most, maximum: most }),
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
    ...(oneOf !== undefined && { enum: nullable ? [...oneOf, null] : [...oneOf] }),
    ...(format !== undefined && { format }),
  };
}

function answerSchema({ output }: Signature, alone: boolean): Schema {
  const number = { type: 'number' };
  const classifier = output.task === 'classification';
  const hasProbabilities = classifier && output.hasProbabilities;
  return {
    type: 'object',
    required: [
      'prediction',
      ...(alone ? ['model', 'model_version', 'inference_time_ms'] : []),
      'prediction_id',
    ],
    properties: {
      prediction: predictionSchema(output),
      ...(output.task === 'text' && TEXT_MEMBERS),
      ...(hasProbabilities && {
        confidence: { ...number, description: 'probability of the predicted class' },
        probability: {
          ...number,
          description: 'of the positive class of a binary model, else the confidence',
        },
        probabilities: { type: 'object', additionalProperties: number },
      }),
      ...(alone && {
        model: { type: 'string' },
        model_version: { type: 'string' },
        inference_time_ms: number,
      }),
      prediction_id: { type: 'string', format: 'uuid' },
      logged: { const: false, description: 'only when the prediction log could not be written' },
    },
  };
}

const TEXT_MEMBERS: Schema = {
  translation: { type: 'string', description: 'the prediction again' },
  input_tokens: { type: 'integer' },
  output_tokens: { type: 'integer' },
  truncated: {
    type: 'boolean',
    description: 'whether the model was given, or answered, less than the whole',
  },
};

function predictionSchema(output: Signature['output']): Schema {
  if (output.task === 'text') return { type: 'string' };
  return output.task === 'classification' && output.labels !== null ? { enum: [...output.labels] } : {};
}

function batchAnswerSchema(signature: Signature): Schema {
  const failed = { type: 'object', required: ['error'], properties: { error: ref('Problem') } };
  return {
    type: 'object',
    required: ['predictions', 'failed', 'model', 'model_version', 'inference_time_ms'],
    properties: {
      predictions: { type: 'array', items: { anyOf: [answerSchema(signature, false), failed] } },
      failed: { type: 'integer' },
      model: { type: 'string' },
      model_version: { type: 'string' },
      inference_time_ms: { type: 'number' },
    },
  };
}
