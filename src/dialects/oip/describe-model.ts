import { datatypeOf } from '../../models/datatype-of.ts';
import { type ModelVersion, versionLabel } from '../../models/model-version.ts';
import type { Field, Signature } from '../../models/signature.ts';
import type { ConfiguredTensor, TensorMetadata } from './protocol.ts';

/** The tensors that a model takes and answers: the usual form of each, where it takes several. */
export interface DescribedTensors {
  readonly inputs: readonly ConfiguredTensor[];
  readonly outputs: readonly ConfiguredTensor[];
}

export function describeTensors({ fields, tensors: { matrix, outputs } }: Signature): DescribedTensors {
  return {
    inputs:
      matrix === null
        ? fields.map(inputOf)
        : [{ name: matrix.name, datatype: datatypeOf(matrix.type), dims: [fields.length], optional: false }],
    outputs: outputs.map(({ name, type, shape }) => ({
      name,
      datatype: datatypeOf(type),
      dims: shape,
      optional: false,
    })),
  };
}

function inputOf({ name, type, shape, required }: Field): ConfiguredTensor {
  return { name, datatype: datatypeOf(type), dims: shape.length === 0 ? [1] : shape, optional: !required };
}

/** With the axis of the rows, of which there may be any number. */
export function withRows({ name, datatype, dims }: ConfiguredTensor): TensorMetadata {
  return { name, datatype, shape: [-1, ...dims] };
}

/** As Triton calls it, where Triton has a word for it. */
export function platformOf({ flavor }: ModelVersion): string {
  return flavor === 'onnx' ? 'onnxruntime_onnx' : flavor;
}

/** What the protocol has no place for, as JSON where it is no text. */
export function propertiesOf(
  version: ModelVersion,
  { fields, output, tensors }: Signature,
): Readonly<Record<string, string>> {
  return {
    model: version.model,
    version: versionLabel(version),
    number: String(version.number),
    ...(version.digest !== null && { digest: version.digest }),
    task: output.task,
    ...(output.task === 'classification' &&
      output.labels !== null && { labels: JSON.stringify(output.labels) }),
    ...(tensors.matrix !== null && { columns: JSON.stringify(fields.map(({ name }) => name)) }),
  };
}
