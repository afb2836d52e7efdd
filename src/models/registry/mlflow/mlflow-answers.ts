import { z } from 'zod';

const tags = z
  .array(z.object({ key: z.string(), value: z.string().default('') }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value])));

export const modelVersion = z.object({
  name: z.string(),
  version: z.coerce.string(),
  creation_timestamp: z.coerce.number().default(0),
  last_updated_timestamp: z.coerce.number().default(0),
  current_stage: z.string().default('None'),
  description: z.string().nullish(),
  source: z.string().default(''),
  run_id: z.string().nullish(),
  status: z.string().default('READY'),
  status_message: z.string().nullish(),
  tags,
  aliases: z.array(z.string()).default([]),
});
export type MlflowVersion = z.infer<typeof modelVersion>;

export const registeredModel = z.object({
  name: z.string(),
  latest_versions: z.array(modelVersion).default([]),
  aliases: z.array(z.object({ alias: z.string(), version: z.coerce.string() })).default([]),
});
export type MlflowModel = z.infer<typeof registeredModel>;

export const run = z.object({
  info: z.object({ run_id: z.string(), artifact_uri: z.string() }),
  data: z
    .object({
      metrics: z.array(z.object({ key: z.string(), value: z.coerce.number() })).default([]),
      params: z.array(z.object({ key: z.string(), value: z.string().default('') })).default([]),
    })
    .default({ metrics: [], params: [] }),
  /** Of MLflow 3: the models that the run logged. */
  outputs: z
    .object({ model_outputs: z.array(z.object({ model_id: z.string() })).default([]) })
    .default({ model_outputs: [] }),
});
export type MlflowRun = z.infer<typeof run>;

export const fileList = z.object({
  files: z
    .array(
      z.object({
        path: z.string(),
        is_dir: z.boolean().default(false),
        file_size: z.coerce.number().nullish(),
      }),
    )
    .default([]),
});
export type MlflowFile = z.infer<typeof fileList>['files'][number];

export const loggedModel = z.object({
  info: z.object({
    model_id: z.string(),
    name: z.string().default(''),
    artifact_uri: z.string(),
    source_run_id: z.string().nullish(),
  }),
});
export type MlflowLoggedModel = z.infer<typeof loggedModel>['info'];
