import { z } from 'zod';
import type { JsonObject } from '../../../../kernel/json.ts';
import { type Frame, ProtocolViolation } from './frames.ts';

/** What a worker says, checked: a worker runs code of others, so nothing it sends is believed. */

export const PROTOCOL = 1;
const LONGEST_TEXT = 20_000;
const text = z.string().transform((value) => value.slice(0, LONGEST_TEXT));
const label = z.union([z.string(), z.number(), z.boolean()]);

const helloSchema = z.object({
  type: z.literal('hello'),
  protocol: z.literal(PROTOCOL),
  pid: z.int().positive(),
  python: text,
});
const factsSchema = z.object({
  kind: text,
  executes_code: z.boolean(),
  inputs: z
    .array(
      z.object({
        name: z.string(),
        type: z.string(),
        required: z.boolean(),
        nullable: z.boolean().default(false),
        categories: z.array(z.string()).optional(),
        shape: z.array(z.int()).default([]),
      }),
    )
    .max(100_000)
    .nullable(),
  width: z.int().positive().max(1_000_000).nullable(),
  task: z.enum(['classification', 'regression', 'generic', 'text']).nullable(),
  labels: z.array(label).max(1_000_000).nullable(),
  has_probabilities: z.boolean(),
  packages: z.record(z.string(), z.string()),
  warnings: z.array(text).max(100).default([]),
});
const loadedSchema = z.object({ type: z.literal('loaded'), facts: factsSchema });
const failedSchema = z.object({
  type: z.literal('failed'),
  phase: z.enum(['environment', 'load']),
  message: text,
  traceback: text.default(''),
  missing: z
    .array(z.object({ package: text, wanted: text.nullable(), found: text.nullable() }))
    .max(1_000)
    .default([]),
});
const errorSchema = z.object({
  type: z.literal('error'),
  id: z.int(),
  kind: z.enum(['predict', 'wrong_length', 'output', 'memory']),
  message: text,
  traceback: text.default(''),
  exhausted: z.boolean().default(false),
});

/** What the libraries of a loaded model tell of it. */
export type WorkerFacts = z.infer<typeof factsSchema>;
export type WorkerRefusal = z.infer<typeof failedSchema>;
export type RunError = z.infer<typeof errorSchema>;
export type Hello = z.infer<typeof helloSchema>;

export function readHello({ header }: Frame): Hello {
  return checked(helloSchema, header);
}

export function readLoaded({ header }: Frame): { readonly facts: WorkerFacts } | WorkerRefusal {
  return header['type'] === 'failed' ? checked(failedSchema, header) : checked(loadedSchema, header);
}

/** The answer to the run `id`: the frame of its result, which `decodeResult` reads, or what went wrong in the model. */
export function readAnswer(frame: Frame, id: number): Frame | RunError {
  const { header } = frame;
  if (header['id'] !== id) throw new ProtocolViolation(`an answer to run ${id} was expected`);
  if (header['type'] === 'result') return frame;
  return checked(errorSchema, header);
}

function checked<T extends z.ZodType>(schema: T, header: JsonObject): z.infer<T> {
  const { success, data, error } = schema.safeParse(header);
  if (success) return data;
  const [issue] = error.issues;
  const named = String(header['type']).slice(0, 40);
  throw new ProtocolViolation(`message "${named}": ${issue?.path.join('.')} ${issue?.message}`);
}
