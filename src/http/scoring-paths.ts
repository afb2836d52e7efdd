import type { Field } from '../models/signature.ts';

type Schema = Record<string, unknown>;

const UNTYPED_JSON = { 'application/json': {} };
const MLFLOW_ERROR: Schema = {
  type: 'object',
  required: ['error_code', 'message'],
  properties: { error_code: { type: 'string' }, message: { type: 'string' } },
};
const KSERVE_ERROR: Schema = {
  type: 'object',
  required: ['error'],
  properties: { error: { type: 'string' } },
};

/** MLflow's scoring API and KServe's V1 in the OpenAPI document; `example` is a row of the default endpoint. */
export function scoringPaths(fields: readonly Field[], example: object | null): Record<string, Schema> {
  return { ...mlflowPaths(fields, example), ...kservePaths(example) };
}

function mlflowPaths(fields: readonly Field[], example: object | null): Record<string, Schema> {
  const rows = { type: 'array', items: { type: 'object' } };
  const forms: Record<string, Schema> = {
    dataframe_split: {
      type: 'object',
      required: ['data'],
      additionalProperties: false,
      properties: {
        columns: { type: 'array', items: { type: 'string' } },
        index: { type: 'array' },
        data: { type: 'array', items: { type: 'array' } },
      },
    },
    dataframe_records: rows,
    instances: { type: 'array' },
    inputs: {},
  };
  const ping = {
    tags: ['MLflow'],
    summary: 'Whether the default endpoint can answer',
    responses: {
      200: { description: 'It can', content: UNTYPED_JSON },
      404: { description: 'It cannot, or not yet', content: UNTYPED_JSON },
    },
  };
  return {
    '/ping': { get: ping },
    '/version': {
      get: {
        tags: ['MLflow'],
        summary: 'The MLflow version whose scoring API this is, bare',
        responses: { 200: { description: 'Version', content: UNTYPED_JSON } },
      },
    },
    '/invocations': {
      post: {
        tags: ['MLflow'],
        summary: "MLflow's scoring API for the default endpoint: all rows are answered or none",
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: { ...forms, params: { description: 'passed over' } },
                oneOf: Object.keys(forms).map((form) => ({ required: [form] })),
              },
              ...(example && { example: { dataframe_records: [example] } }),
            },
            'text/csv': {
              schema: {
                type: 'string',
                minLength: 1,
                description: `a header line: ${fields.map(({ name }) => name).join(',')}`,
              },
            },
          },
        },
        responses: {
          200: answer({
            type: 'object',
            required: ['predictions'],
            properties: {
              predictions: {
                type: ['array', 'object'],
                description: 'records for tables, one tensor per output for arrays',
              },
            },
          }),
          415: { description: 'Content type', content: { 'text/plain': { schema: { type: 'string' } } } },
          default: { description: 'Error', content: { 'application/json': { schema: MLFLOW_ERROR } } },
        },
      },
    },
  };
}

function kservePaths(example: object | null): Record<string, Schema> {
  const error = {
    description: 'Error; a problem where the path is none that is served',
    content: {
      'application/json': { schema: KSERVE_ERROR },
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    },
  };
  const parameters = [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }];
  const readiness = answer({
    type: 'object',
    required: ['name', 'ready'],
    properties: { name: { type: 'string' }, ready: { type: 'boolean' } },
  });
  return {
    '/v1/models/{name}:predict': {
      parameters,
      post: {
        tags: ['KServe V1'],
        summary: 'One prediction an instance, all or none',
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['instances'],
                properties: { instances: { type: 'array' } },
              },
              ...(example && { example: { instances: [example] } }),
            },
          },
        },
        responses: {
          200: answer({
            type: 'object',
            required: ['predictions'],
            properties: { predictions: { type: 'array' } },
          }),
          default: error,
        },
      },
    },
    '/v1/models': {
      get: {
        tags: ['KServe V1'],
        summary: 'Names of the endpoints',
        responses: {
          200: answer({
            type: 'object',
            required: ['models'],
            properties: { models: { type: 'array', items: { type: 'string' } } },
          }),
          default: error,
        },
      },
    },
    '/v1/models/{name}': {
      parameters,
      get: {
        tags: ['KServe V1'],
        summary: 'Whether an endpoint, or the endpoint of a model, can answer',
        responses: { 200: readiness, 503: { ...readiness, description: 'Not ready' }, default: error },
      },
    },
  };
}

function answer(schema: Schema): Schema {
  return { description: 'Answer', content: { 'application/json': { schema } } };
}
