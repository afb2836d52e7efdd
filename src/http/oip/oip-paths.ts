import { DATATYPES } from '../../contracts/oip/tensor.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { datatypeOf } from '../../models/datatype-of.ts';
import type { Field } from '../../models/signature.ts';

type Schema = Record<string, unknown>;

const TEXT: Schema = { type: 'string' };
const COUNT: Schema = { type: 'integer', minimum: 0 };
const PARAMETERS: Schema = {
  type: 'object',
  additionalProperties: { type: ['string', 'number', 'boolean'] },
};
const SHAPE: Schema = { type: 'array', items: { type: 'integer' } };
const DATATYPE: Schema = { enum: [...DATATYPES] };
const TENSOR: Schema = object({ name: TEXT, datatype: DATATYPE, shape: SHAPE });
const CONFIGURED = object({ name: TEXT, data_type: TEXT, dims: SHAPE });
const HEALTH = object({ live: { type: 'boolean' }, ready: { type: 'boolean' } });
const READY = object({ name: TEXT, ready: { type: 'boolean' } });
const BINARY = 'application/octet-stream';

/** The Open Inference Protocol V2 and Triton's extensions in the OpenAPI document; `example` is a row of `endpoint`. */
export function oipPaths(
  fields: readonly Field[],
  example: Readonly<Record<string, JsonValue>> | null,
): Record<string, Schema> {
  const name = pathParameter('name', "an endpoint's name, or its model's");
  const version = pathParameter('version', 'a version that is loaded, or will be');
  const call = inferOf(exampleOf(fields, example));
  return {
    '/v2': {
      get: operation(
        'Name, version and extensions',
        object({ name: TEXT, version: TEXT, extensions: list(TEXT) }),
      ),
    },
    '/v2/health/live': { get: operation('Whether the process runs', HEALTH) },
    '/v2/health/ready': { get: operation('Whether required endpoints can answer', HEALTH, HEALTH) },
    ...modelPaths('/v2/models/{name}', [name], call),
    ...modelPaths('/v2/models/{name}/versions/{version}', [name, version], call),
    '/v2/models/stats': { get: operation('Statistics of all loaded versions', STATISTICS) },
    '/v2/repository/index': {
      post: {
        ...operation(
          'Versions, and whether they are loaded',
          list(object({ name: TEXT, version: TEXT, state: TEXT, reason: TEXT })),
        ),
        requestBody: body({ type: 'object', properties: { ready: { type: 'boolean' } } }, false),
      },
    },
    '/v2/repository/models/{name}/load': change(name, 'Load a model'),
    '/v2/repository/models/{name}/unload': change(name, 'Unload a model that no endpoint serves'),
  };
}

const STAGE = object({ count: COUNT, ns: COUNT });
const STATISTICS = object({
  model_stats: list(
    object({
      name: TEXT,
      version: TEXT,
      last_inference: COUNT,
      inference_count: COUNT,
      execution_count: COUNT,
      inference_stats: object({
        success: STAGE,
        fail: STAGE,
        queue: STAGE,
        compute_input: STAGE,
        compute_infer: STAGE,
        compute_output: STAGE,
        cache_hit: STAGE,
        cache_miss: STAGE,
      }),
      batch_stats: { type: 'array' },
    }),
  ),
});

function modelPaths(path: string, parameters: readonly Schema[], infer: Schema): Record<string, Schema> {
  const get = (summary: string, answer: Schema, notReady?: Schema): Schema => ({
    parameters,
    get: operation(summary, answer, notReady),
  });
  return {
    [path]: get(
      'Tensors that the model takes and answers',
      object({
        name: TEXT,
        versions: list(TEXT),
        platform: TEXT,
        inputs: list(TENSOR),
        outputs: list(TENSOR),
      }),
    ),
    [`${path}/ready`]: get('Whether the model can answer', READY, READY),
    [`${path}/config`]: get(
      "The model in the words of Triton's configuration",
      object({
        name: TEXT,
        platform: TEXT,
        backend: TEXT,
        max_batch_size: COUNT,
        input: list(CONFIGURED),
        output: list(CONFIGURED),
      }),
    ),
    [`${path}/stats`]: get('Statistics of the loaded versions', STATISTICS),
    [`${path}/infer`]: { parameters, post: infer },
  };
}

function inferOf(example: object | null): Schema {
  const input = {
    ...TENSOR,
    properties: { ...(TENSOR['properties'] as Schema), parameters: PARAMETERS, data: { type: 'array' } },
  };
  const request = {
    ...object({ inputs: list(input) }),
    properties: {
      inputs: list(input),
      id: TEXT,
      parameters: PARAMETERS,
      outputs: list({
        type: 'object',
        required: ['name'],
        properties: { name: TEXT, parameters: PARAMETERS },
      }),
    },
  };
  const answer = object({
    model_name: TEXT,
    model_version: TEXT,
    outputs: list(object({ name: TEXT, datatype: DATATYPE, shape: SHAPE })),
  });
  const { responses, ...rest } = operation('Answer tensors with tensors, all rows or none', answer);
  const { 200: good, ...others } = responses as Record<string, { content: Schema }>;
  return {
    ...rest,
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: request, ...(example && { example }) },
        [BINARY]: {
          schema: {
            ...TEXT,
            minLength: 1,
            description: 'JSON, and raw tensors behind as many bytes as Inference-Header-Content-Length says',
          },
        },
      },
    },
    responses: {
      200: { ...good, content: { ...good?.content, [BINARY]: { schema: TEXT } } },
      ...others,
    },
  };
}

/** A row as a tensor a field; null where a value has no datatype of its own. */
function exampleOf(fields: readonly Field[], row: Readonly<Record<string, JsonValue>> | null): object | null {
  const isPlain =
    row !== null && fields.every(({ name, shape }) => shape.length === 0 && (row[name] ?? null) !== null);
  if (!isPlain) return null;
  return {
    inputs: fields.map(({ name, type }) => ({
      name,
      datatype: datatypeOf(type),
      shape: [1],
      data: [row[name]],
    })),
  };
}

function change(name: Schema, summary: string): Schema {
  const parameters = { ...PARAMETERS, description: 'none of them is known' };
  return {
    parameters: [name],
    post: {
      ...operation(summary, { type: 'object' }),
      requestBody: body({ type: 'object', properties: { parameters } }, false),
    },
  };
}

function operation(summary: string, answer: Schema, notReady?: Schema): Schema {
  return {
    tags: ['Open Inference Protocol'],
    summary,
    responses: {
      200: { description: 'Answer', content: json(answer) },
      ...(notReady && {
        503: { description: 'Not ready', content: json(object({ error: TEXT }, notReady)) },
      }),
      default: { description: 'Error', content: json(object({ error: TEXT })) },
    },
  };
}

/** An object that has all of these; `more` are those that it may have beside them. */
function object(properties: Schema, more: Schema = {}): Schema {
  const others = (more['properties'] ?? {}) as Schema;
  return { type: 'object', required: Object.keys(properties), properties: { ...others, ...properties } };
}

function list(items: Schema): Schema {
  return { type: 'array', items };
}

function json(schema: Schema): Schema {
  return { 'application/json': { schema } };
}

function body(schema: Schema, required: boolean): Schema {
  return { required, content: json(schema) };
}

function pathParameter(name: string, description: string): Schema {
  return { name, in: 'path', required: true, description, schema: TEXT };
}
