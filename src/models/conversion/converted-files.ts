import { stringify } from 'yaml';
import type { ModelArtifact } from '../runtimes/runtime.ts';
import type { ElementType, Field, Signature } from '../signature.ts';
import { CODE_FILE, TRANSFORM_FILE } from '../transform-files.ts';
import type { ConvertedGraph } from './converter.ts';

const GRAPH_FILE = 'model.onnx';
/** What lies beside a model and is not of it, but before it. */
const KEPT: readonly string[] = [TRANSFORM_FILE, CODE_FILE, 'transform.ts'];

/**
 * The files of the converted version, in MLflow's format: the graph, and an MLmodel file that declares the original's
 * fields by name and type, its labels and its positive one. `signature` is that of the original's runtime.
 */
export function convertedFiles(
  original: ModelArtifact,
  signature: Signature,
  { graph }: ConvertedGraph,
): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([
    [GRAPH_FILE, graph],
    ['MLmodel', Buffer.from(mlmodelOf(signature))],
  ]);
  for (const name of KEPT) {
    const content = original.files.get(name);
    if (content !== undefined) files.set(name, content);
  }
  return files;
}

/** The artifact of those files, as a registry would read it. */
export function convertedArtifact(
  original: ModelArtifact,
  signature: Signature,
  converted: ConvertedGraph,
): ModelArtifact {
  const { output } = signature;
  const isClassifier = output.task === 'classification';
  return {
    format: 'onnx',
    flavor: 'onnx',
    entry: GRAPH_FILE,
    files: convertedFiles(original, signature, converted),
    declared: {
      inputs: signature.fields.map((field) => ({ ...columnOf(field), shape: null })),
      outputs: null,
      params: [],
      task: isClassifier || output.task === 'regression' ? output.task : null,
      labels: isClassifier ? output.labels : null,
      positiveLabel: isClassifier ? output.positive : null,
      oneOf: oneOfFields(signature),
      mustBeSent: mustBeSent(signature),
    },
    origin: original.origin,
  };
}

function mlmodelOf(signature: Signature): string {
  const { fields, output } = signature;
  const oneOf = oneOfFields(signature);
  const sent = mustBeSent(signature);
  return stringify({
    flavors: {
      onnx: { data: GRAPH_FILE, onnx_version: '1', providers: ['CPUExecutionProvider'] },
      python_function: { data: GRAPH_FILE, loader_module: 'mlflow.onnx' },
    },
    signature: { inputs: JSON.stringify(fields.map(columnOf)) },
    metadata: {
      task: output.task,
      ...(output.task === 'classification' && output.labels !== null && { labels: output.labels }),
      ...(output.task === 'classification' &&
        output.positive !== null && { positive_label: output.positive }),
      ...(Object.keys(oneOf).length > 0 && { one_of: oneOf }),
      ...(sent.length > 0 && { must_be_sent: sent }),
    },
  });
}

function oneOfFields({ fields }: Signature): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    fields.flatMap(({ name, oneOf }) => (oneOf === undefined ? [] : [[name, oneOf]])),
  );
}

function mustBeSent({ fields }: Signature): readonly string[] {
  return fields.filter(({ required, nullable }) => required && nullable).map(({ name }) => name);
}

/** MLflow's word for the narrowest of its types that holds all values of a field. */
const COLUMN_TYPES: Readonly<Record<ElementType, string>> = {
  bool: 'boolean',
  int8: 'integer',
  int16: 'integer',
  int32: 'integer',
  int64: 'long',
  uint8: 'integer',
  uint16: 'integer',
  uint32: 'long',
  uint64: 'long',
  float16: 'float',
  float32: 'float',
  float64: 'double',
  string: 'string',
};

/** MLflow says of a column only that it may be absent; absent and null are one to it. */
function columnOf({ name, type, required, nullable }: Field): {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
} {
  return { name, type: COLUMN_TYPES[type], required: required && !nullable };
}
