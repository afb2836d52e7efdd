import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../../kernel/json.ts';
import {
  type DeclaredInput,
  type DeclaredModel,
  type DeclaredParam,
  MODEL_FORMATS,
} from '../../runtimes/runtime.ts';
import type { Label, Signature } from '../../signature.ts';
import { type Declaration, parseDeclaration } from './declaration.ts';
import type { Recognised } from './recognise.ts';

/**
 * The `MLmodel` file of MLflow (contracts, section 6), as far as Slipway reads it. `signature.inputs` is a JSON string
 * inside the YAML: that is MLflow's own form.
 */
const mlmodelSchema = z.object({
  flavors: z.record(z.string(), z.record(z.string(), z.unknown())),
  signature: z
    .object({ inputs: z.string().nullish(), outputs: z.string().nullish(), params: z.string().nullish() })
    .nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  saved_input_example_info: z.record(z.string(), z.unknown()).nullish(),
});
const inputSchema = z.array(
  z.object({
    name: z.string().nullish(),
    type: z.string(),
    required: z.boolean().default(true),
    'tensor-spec': z.object({ dtype: z.string(), shape: z.array(z.number()) }).optional(),
  }),
);

const paramsSchema = z.array(
  z.object({
    name: z.string(),
    type: z.string(),
    default: z.json(),
    shape: z.array(z.number()).nullish(),
  }),
);
/** What Slipway writes for a model that came without an MLmodel file. */
const slipwayFlavor = z.object({
  format: z.enum(MODEL_FORMATS),
  entry: z.string(),
  flavor: z.string(),
});

export interface Mlmodel extends Recognised {
  readonly declared: DeclaredModel;
  readonly declaration: Declaration;
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
  const recognised = recognise(checked.data.flavors);
  const metadata = (checked.data.metadata ?? {}) as JsonObject;
  const declaration = parseDeclaration(metadata, 'MLmodel: metadata');
  return {
    ...recognised,
    declared: {
      inputs: parseColumns('inputs', checked.data.signature?.inputs ?? null),
      outputs: parseColumns('outputs', checked.data.signature?.outputs ?? null),
      params: parseParams(checked.data.signature?.params ?? null),
      ...declaration.outcome,
    },
    declaration,
  };
}

/** An ONNX graph goes before the same model in Python, which MLflow's ONNX flavor has too. */
function recognise(flavors: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Recognised {
  const own = slipwayFlavor.safeParse(flavors['slipway']);
  if (own.success) return own.data;
  const { onnx, huggingface_onnx: text, python_function: python } = flavors;
  if (onnx !== undefined) {
    const entry = typeof onnx['data'] === 'string' ? onnx['data'] : 'model.onnx';
    return { format: 'onnx', entry, flavor: 'onnx' };
  }
  const names = Object.keys(flavors);
  if (text !== undefined) return { format: 'text', entry: 'config.json', flavor: 'huggingface_onnx' };
  if (python !== undefined) {
    const flavor = names.find((name) => name !== 'python_function') ?? 'python_function';
    return { format: 'python', entry: 'MLmodel', flavor };
  }
  throw new AppError(
    'MODEL_UNSUPPORTED',
    `The model has the flavors ${names.join(', ')}, and Slipway serves onnx and python_function: save it with an mlflow flavor that has either`,
  );
}

function parseColumns(of: 'inputs' | 'outputs', json: string | null): readonly DeclaredInput[] | null {
  if (json === null) return null;
  try {
    return inputSchema.parse(JSON.parse(json)).map((input) => ({
      name: input.name ?? null,
      type: input['tensor-spec']?.dtype ?? input.type,
      required: input.required,
      shape: input['tensor-spec']?.shape ?? null,
    }));
  } catch (error) {
    // Outputs say nothing that an answer does not show: a form that is not known is passed over.
    if (of === 'outputs') return null;
    throw new AppError('MODEL_UNREADABLE', `MLmodel: signature.${of} cannot be read: ${messageOf(error)}`);
  }
}

function parseParams(json: string | null): readonly DeclaredParam[] {
  if (json === null) return [];
  try {
    return paramsSchema
      .parse(JSON.parse(json))
      .map((param) => ({ ...param, default: param.default as JsonValue, shape: param.shape ?? null }));
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `MLmodel: signature.params cannot be read: ${messageOf(error)}`);
  }
}

/**
 * The MLmodel file of a model that came without one, so that the registry holds one format. That of an .onnx file is
 * loaded by Python's mlflow.onnx.
 */
export function writeMlmodel({ format, entry, flavor }: Recognised, { fields, output }: Signature): string {
  const labels: readonly Label[] | null = output.task === 'classification' ? output.labels : null;
  return stringify({
    flavors:
      format === 'onnx'
        ? {
            onnx: { data: entry, onnx_version: '1', providers: ['CPUExecutionProvider'] },
            python_function: { data: entry, loader_module: 'mlflow.onnx' },
          }
        : { slipway: { format, entry, flavor } },
    metadata: {
      task: output.task,
      fields: fields.map((field) => field.name),
      ...(labels && { labels }),
    },
  });
}
