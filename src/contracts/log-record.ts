import { z } from 'zod';

/**
 * The lines of the prediction log: one JSON object a line, flat ECS names (Elastic Common Schema 8) where ECS
 * has one. `schema` moves when a reader of the old shape would misread the new one.
 */
export const LOG_SCHEMA = 1;

const line = { '@timestamp': z.string(), schema: z.literal(LOG_SCHEMA) };

export const OUTCOMES = ['ok', 'rejected', 'failed', 'timeout'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const predictionLine = z.object({
  ...line,
  'event.action': z.literal('prediction'),
  'event.id': z.string().describe('the prediction_id of the answer, a UUIDv7'),
  'event.outcome': z.enum(OUTCOMES),
  revision: z.number().int().describe('revision of the endpoint that answered'),
  'trace.id': z.string(),
  model: z.string(),
  model_version: z.string(),
  endpoint: z.string(),
  arm: z.string(),
  dialect: z.string(),
  input: z.json().optional().describe('the raw fields after redaction; absent when the request was rejected'),
  prediction: z.json().optional(),
  text: z
    .object({ input_tokens: z.number().int(), output_tokens: z.number().int(), truncated: z.boolean() })
    .optional()
    .describe('of a prediction that is a text'),
  probabilities: z.record(z.string(), z.number()).nullable().optional(),
  confidence: z.number().nullable().optional(),
  latency_ms: z.number(),
  status: z.number().int(),
  'error.code': z.string().optional(),
  transform_hash: z.string().nullable(),
  id: z.string().optional().describe("the caller's correlation id"),
  key: z.string().optional().describe('the sticky routing key'),
  timestamp: z.string().optional().describe("the caller's own time of the request"),
});
export type PredictionLine = z.infer<typeof predictionLine>;

export const feedbackLine = z.object({
  ...line,
  'event.action': z.literal('feedback'),
  'event.id': z.string().describe('id of this feedback, a UUIDv7'),
  prediction_id: z.string().optional(),
  id: z.string().optional().describe("the caller's correlation id of the prediction"),
  actual: z.json(),
  timestamp: z.string().optional().describe('when the label became known, as the caller says'),
});
export type FeedbackLine = z.infer<typeof feedbackLine>;

export const segmentOpenedLine = z.object({
  ...line,
  'event.action': z.literal('segment.opened'),
  'segment.id': z.string(),
  'process.pid': z.number().int(),
  'host.name': z.string(),
  'service.version': z.string(),
});

export const segmentClosedLine = z.object({
  ...line,
  'event.action': z.literal('segment.closed'),
  'segment.id': z.string(),
});

export const logLine = z.discriminatedUnion('event.action', [
  predictionLine,
  feedbackLine,
  segmentOpenedLine,
  segmentClosedLine,
]);
export type LogLine = z.infer<typeof logLine>;
