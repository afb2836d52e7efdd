import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import type { DeclaredInput, DeclaredModel } from '../../runtimes/runtime.ts';
import type { Label, Signature } from '../../signature.ts';

/**
 * The `MLmodel` file of MLflow (contracts, section 6), as far as Slipway reads it. `signature.inputs` is a JSON string
 * inside the YAML: that is MLflow's own form.
 */
const label = z.union([z.string(), z.number(), z.boolean()]);
const mlmodelSchema = z.object({
  flavors: z.record(z.string(), z.record(z.string(), z.unknown())),
  signature: z.object({ inputs: z.string().nullish(), outputs: z.string().nullish() }).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  saved_input_example_info: z.record(z.string(), z.unknown()).nullish(),
});
const declarationSchema = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  task: z.enum(['classification', 'regression']).nullish().catch(null),
  labels: z.array(label).nullish().catch(null),
  positive_label: label.nullish().catch(null),
});
const inputSchema = z.array(
  z.object({
    name: z.string().nullish(),
    type: z.string(),
    required: z.boolean().default(true),
    'tensor-spec': z.object({ dtype: z.string(), shape: z.array(z.number()) }).optional(),
  }),
);

export interface Mlmodel {
  /** The model file, relative to the directory. */
  readonly entry: string;
  readonly flavor: 'onnx';
  readonly declared: DeclaredModel;
  /** `metadata` as the author wrote it; `name` and `version` there are what `register` proposes. */
  readonly metadata: JsonObject;
  readonly name: string | null;
  readonly semver: string | null;
}

/** Reads an MLmodel file; MODEL_UNREADABLE says what is missing. */
export function parseMlmodel(text: string): Mlmodel {
  let raw: unknown;
  try {
    raw = parse(text, { maxAliasCount: 20 });
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `MLmodel is not valid YAML: ${messageOf(error)}`);
  }
  const checked = mlmodelSchema.safeParse(raw);
  if (!checked.success) throw new AppError('MODEL_UNREADABLE', `MLmodel: ${z.prettifyError(checked.error)}`);
  const onnx = checked.data.flavors['onnx'];
  if (onnx === undefined) {
    const flavors = Object.keys(checked.data.flavors).join(', ');
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `The model has the flavors ${flavors}, and Slipway serves onnx: convert it (skl2onnx, onnxmltools, torch.onnx) and save it with mlflow.onnx`,
    );
  }
  const entry = typeof onnx['data'] === 'string' ? onnx['data'] : 'model.onnx';
  const metadata = (checked.data.metadata ?? {}) as JsonObject;
  const declared = declarationSchema.safeParse(metadata);
  if (!declared.success)
    throw new AppError(
      'MODEL_UNREADABLE',
      `MLmodel: metadata: ${z.prettifyError(declared.error)}; quote a version: '1.0'`,
    );
  const declaration = declared.data;
  return {
    entry,
    flavor: 'onnx',
    declared: {
      inputs: parseInputs(checked.data.signature?.inputs ?? null),
      task: declaration?.task ?? null,
      labels: declaration?.labels ?? null,
      positiveLabel: declaration?.positive_label ?? null,
    },
    metadata,
    name: declaration?.name ?? null,
    semver: declaration?.version?.replace(/^v/, '') ?? null,
  };
}

function parseInputs(json: string | null): readonly DeclaredInput[] | null {
  if (json === null) return null;
  try {
    return inputSchema.parse(JSON.parse(json)).map((input) => ({
      name: input.name ?? null,
      type: input['tensor-spec']?.dtype ?? input.type,
      required: input.required,
      shape: input['tensor-spec']?.shape ?? null,
    }));
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `MLmodel: signature.inputs cannot be read: ${messageOf(error)}`);
  }
}

/** The MLmodel file of a bare .onnx file, so that the registry holds one format. Python's mlflow.onnx loads it. */
export function writeMlmodel(entry: string, signature: Signature, labels: readonly Label[] | null): string {
  return stringify({
    flavors: {
      onnx: { data: entry, onnx_version: '1', providers: ['CPUExecutionProvider'] },
      python_function: { data: entry, loader_module: 'mlflow.onnx' },
    },
    metadata: {
      task: signature.output.task,
      fields: signature.fields.map((field) => field.name),
      ...(labels && { labels }),
    },
  });
}
