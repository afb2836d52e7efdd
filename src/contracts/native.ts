import { z } from 'zod';

/** The native API's bodies. Answers that depend on a model's signature are typed there. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    request_id: z.string(),
    errors: z
      .array(
        z.object({
          path: z.string(),
          message: z.string(),
          expected: z.string().optional(),
          got: z.string().optional().describe('a JSON type, never the value'),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details' });
export type Problem = z.infer<typeof problem>;

export const feedbackItem = z
  .strictObject({
    prediction_id: z.string().min(1).max(128).optional().describe('from the answer'),
    id: z.string().min(1).max(256).optional().describe("the caller's own id of the prediction"),
    actual: z.json().describe('what turned out to be true'),
    timestamp: z.iso.datetime({ offset: true }).optional().describe('when the label became known'),
  })
  .refine((item) => item.prediction_id !== undefined || item.id !== undefined, {
    message: 'needs prediction_id or id',
    path: ['prediction_id'],
  });

export const MAX_FEEDBACK_ITEMS = 10_000;

export const feedbackAnswer = z
  .object({
    accepted: z.number().int(),
    failed: z.number().int(),
    results: z.array(
      z.object({
        status: z.enum(['accepted', 'failed']),
        feedback_id: z.string().optional(),
        error: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'FeedbackAnswer' });
export type FeedbackAnswer = z.infer<typeof feedbackAnswer>;

export const health = z
  .object({
    status: z.enum(['ok', 'degraded']),
    models: z.record(
      z.string(),
      z.object({
        state: z.enum(['loading', 'ready', 'failed']),
        reference: z.string().describe('what it is told to serve'),
        model: z.string().nullable(),
        version: z.string().nullable(),
        revision: z.number().int().describe('counts the versions that it switched to'),
        required: z.boolean(),
        reason: z.string().nullable(),
        format: z.string().nullable().describe('what runs its version: onnx, python, text or remote'),
        runtime: z
          .object({ status: z.enum(['ok', 'degraded', 'down']), reason: z.string().nullable() })
          .nullable()
          .describe('how a model does that runs in processes of its own or on another server'),
        candidate: z
          .object({
            version: z.string(),
            number: z.number().int(),
            state: z.enum(['loading', 'refused']),
            reason: z.string().nullable(),
            since: z.string(),
            next_try: z.string().nullable(),
          })
          .nullable()
          .describe('a version that is to take over, or that was refused'),
        previous: z.array(z.string()).describe('versions that served before and are kept in memory'),
      }),
    ),
    problems: z.array(z.string()).describe('why the status is degraded'),
    version: z.string(),
    uptime_s: z.number(),
  })
  .meta({ id: 'Health' });
export type Health = z.infer<typeof health>;

const fieldInfo = z.object({
  name: z.string(),
  type: z.string(),
  shape: z.array(z.number()),
  required: z.boolean(),
  nullable: z.boolean(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  one_of: z.array(z.string()).optional().describe('the only texts that are taken'),
  format: z.literal('date-time').optional(),
  unit: z.string().optional(),
  description: z.string().optional(),
  param: z.object({ default: z.json() }).optional().describe('an inference parameter, with its default'),
});
export type FieldInfo = z.infer<typeof fieldInfo>;

export const modelInfo = z
  .object({
    name: z.string(),
    version: z.string(),
    number: z.number().int(),
    stage: z.enum(['None', 'Staging', 'Production', 'Archived']),
    aliases: z.array(z.string()),
    flavor: z.string(),
    runtime: z.string().describe('what runs it: onnx, python, text or remote'),
    executes_code: z.boolean().describe('whether loading it runs code that came with it'),
    loaded: z.boolean(),
    loaded_since: z.string().nullable(),
    digest: z.string().nullable().describe('null before its files were ever fetched'),
    transform_hash: z.string().nullable(),
    signature: z
      .object({
        inputs: z.array(fieldInfo),
        output: z.json(),
      })
      .nullable()
      .describe('null while the version is not loaded'),
    training: z.json().describe('what training recorded: metrics, baseline, data'),
    input_example: z.json().nullable(),
  })
  .meta({ id: 'ModelInfo' });
export type ModelInfo = z.infer<typeof modelInfo>;

export const modelList = z
  .object({
    models: z.array(
      z.object({
        name: z.string(),
        versions: z.array(
          z.object({
            version: z.string(),
            number: z.number().int(),
            stage: z.string(),
            aliases: z.array(z.string()),
            loaded: z.boolean(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'ModelList' });
export type ModelList = z.infer<typeof modelList>;
