import { z } from 'zod';
import { DATATYPES } from '../../../contracts/oip/tensor.ts';
import { AppError } from '../../../kernel/errors.ts';
import { elementTypeOf } from '../../datatype-of.ts';
import type { Label } from '../../signature.ts';
import type { DeclaredModel } from '../runtime.ts';
import type { TensorPort } from '../tensors/bind-inputs.ts';
import { type DescribedTensor, isTable, tensorsOf } from './declared-tensors.ts';

const text = z.string().nullish().catch(null);
const label = z.union([z.string(), z.number(), z.boolean()]);
const hints = z
  .object({ content_type: text, labels: z.array(label).min(1).or(z.string()).nullish().catch(null) })
  .nullish()
  .catch(null);
const tensors = z
  .array(
    z.object({
      name: z.string().min(1),
      datatype: z.string(),
      // Of 64 bits, which some write as texts.
      shape: z.array(z.coerce.number().int()),
      parameters: hints,
    }),
  )
  .nullish();

/** `GET /v2` of another server. */
export const serverMetadataSchema = z.object({
  name: text,
  version: text,
  extensions: z.array(z.string()).nullish().catch(null),
});

/** `GET /v2/models/<model>`. */
export const modelMetadataSchema = z.object({
  name: z.string(),
  versions: z.array(z.coerce.string()).nullish().catch(null),
  inputs: tensors,
  outputs: tensors,
  parameters: hints,
  properties: z.record(z.string(), z.unknown()).nullish().catch(null),
});

/** `GET /v2/models/<model>/config`, where the server has it. */
export const modelConfigSchema = z.object({ max_batch_size: z.coerce.number().int().nonnegative() });

/** A tensor of a model on another server; `contentType` is MLServer's word for how it is to be understood. */
export interface PeerPort extends TensorPort {
  readonly contentType: string | null;
}

/** What another server says of itself and of a model. */
export interface PeerModel {
  /** Name and version of the server. */
  readonly server: string;
  /** Whether contents go as bytes. */
  readonly isBinary: boolean;
  readonly inputs: readonly PeerPort[];
  readonly outputs: readonly PeerPort[];
  readonly contentType: string | null;
  /** Rows of one request at the most. */
  readonly maxRows: number;
  /** Of a hint beside an output, or of what Slipway says of a model beside its tensors. */
  readonly labels: readonly Label[] | null;
  readonly columns: readonly string[] | null;
  readonly task: string | null;
}

/** What a server answers of itself and of a model. */
export interface PeerAnswers {
  readonly server: z.output<typeof serverMetadataSchema>;
  readonly model: z.output<typeof modelMetadataSchema>;
  /** Null where the server has no such thing. */
  readonly config: z.output<typeof modelConfigSchema> | null;
}

/**
 * What the server says goes first, then what the author declares. MODEL_UNSUPPORTED where neither says enough to ask the
 * model, or it has what rows cannot be sent to.
 */
export function describePeer(
  place: string,
  { server, model, config }: PeerAnswers,
  declared: Pick<DeclaredModel, 'inputs' | 'outputs'>,
): PeerModel {
  const isBinary = server.extensions?.includes('binary_tensor_data') ?? false;
  const own = model.inputs ?? [];
  const isOwnTable = own.length === 0 && isTable(declared.inputs ?? []);
  const described = own.length > 0 ? own : tensorsOf(declared.inputs ?? [], 'input-');
  const answered =
    (model.outputs ?? []).length > 0 ? model.outputs : tensorsOf(declared.outputs ?? [], 'output-');
  const inputs = portsOf(place, described, 'inputs', isBinary);
  for (const input of inputs) requireRows(place, input);
  const limit = config?.max_batch_size ?? 0;
  const properties = model.properties ?? {};
  const task = properties['task'];
  return {
    server: [server.name ?? 'a server', server.version ?? ''].join(' ').trim(),
    isBinary,
    inputs,
    outputs: portsOf(place, answered ?? [], 'outputs', isBinary),
    contentType: model.parameters?.content_type ?? (isOwnTable ? 'pd' : null),
    maxRows: limit > 0 ? limit : Number.POSITIVE_INFINITY,
    labels: labelsOf(place, model.outputs) ?? listOf(properties['labels'], label),
    columns: listOf(properties['columns'], z.string()),
    task: typeof task === 'string' ? task : null,
  };
}

function portsOf(
  place: string,
  described: readonly (DescribedTensor & { readonly parameters?: z.output<typeof hints> })[],
  what: 'inputs' | 'outputs',
  isBinary: boolean,
): readonly PeerPort[] {
  if (described.length === 0) {
    throw unsupported(
      `${place} does not say what its ${what} are: give them in the metadata of the model (MLServer: "inputs" and "outputs" in model-settings.json), or as the signature of an MLmodel file beside remote.json`,
    );
  }
  return described.map(({ name, datatype, shape, parameters }) => {
    const known = DATATYPES.find((each) => each === datatype.toUpperCase());
    const type = known === undefined ? null : elementTypeOf(known);
    if (type === null) throw unsupported(`"${name}" of ${place} is ${datatype}, which is not served here`);
    if (type === 'float16' && !isBinary)
      throw unsupported(
        `"${name}" of ${place} is FP16, which JSON has no form for: the server must take binary_tensor_data`,
      );
    return {
      name,
      type,
      shape: shape.map((size) => (size < 0 ? '-1' : size)),
      contentType: parameters?.content_type ?? null,
    };
  });
}

/** The class labels that an output has beside it, `{"parameters": {"labels": ["a", "b"]}}`, in the order of its scores. */
function labelsOf(place: string, outputs: z.output<typeof tensors>): readonly Label[] | null {
  for (const { name, shape, parameters } of outputs ?? []) {
    const given = parameters?.labels ?? null;
    const labels = typeof given === 'string' ? listOf(given, label) : given;
    if (labels === null) continue;
    const classes = shape.length > 1 ? shape.at(-1) : undefined;
    if (classes !== undefined && classes > 1 && classes !== labels.length) {
      throw new AppError(
        'SIGNATURE_MISMATCH',
        `"${name}" of ${place} has ${labels.length} labels and scores ${classes} classes`,
      );
    }
    return labels;
  }
  return null;
}

function requireRows(place: string, { name, shape: [rows] }: PeerPort): void {
  if (rows === undefined || (typeof rows === 'number' && rows !== 1)) {
    throw unsupported(
      `"${name}" of ${place} ${rows === undefined ? 'is a scalar' : `takes ${rows} rows and no other number`}: its first axis must be the rows, of any number (-1)`,
    );
  }
}

/** A list that is written as JSON inside a text. */
function listOf<Item>(value: unknown, item: z.ZodType<Item>): readonly Item[] | null {
  if (typeof value !== 'string') return null;
  try {
    return z.array(item).min(1).parse(JSON.parse(value));
  } catch {
    return null;
  }
}

function unsupported(message: string): AppError {
  return new AppError('MODEL_UNSUPPORTED', message);
}
