import { decodeRaw, textOf } from '../../contracts/oip/raw-tensor.ts';
import type { InputTensor } from '../../contracts/oip/tensor.ts';
import type { ConfiguredTensor, InferRequest, ModelConfig } from '../../dialects/oip/protocol.ts';
import { AppError } from '../../kernel/errors.ts';

/**
 * A body that is the content of the model's only input, one row of it: what `Inference-Header-Content-Length: 0` says.
 * All outputs are answered as binary data. INPUT_INVALID where the shape cannot be told from the number of bytes.
 */
export function rawRequest(
  modelName: string,
  modelVersion: string,
  { config, body }: { readonly config: ModelConfig; readonly body: Buffer },
): InferRequest {
  const [input] = config.inputs;
  if (input === undefined || config.inputs.length > 1)
    throw refusal(`the model takes ${config.inputs.length} inputs, and a raw body is the content of one`);
  return {
    modelName,
    modelVersion,
    id: undefined,
    parameters: { binary_data_output: true },
    inputs: [input.datatype === 'BYTES' ? textInput(input, body) : numberInput(input, body)],
    outputs: null,
  };
}

/** The body is the one element, without the length before it that elements of several have. */
function textInput({ name, datatype, dims }: ConfiguredTensor, body: Buffer): InputTensor {
  if (dims.some((size) => size !== 1))
    throw refusal(`input "${name}" takes [${dims.join(', ')}] texts a row, and a raw body is one`);
  return { name, datatype, shape: [1, ...dims], data: [textOf(body)] };
}

function numberInput({ name, datatype, dims }: ConfiguredTensor, body: Buffer): InputTensor {
  const data = decodeRaw(datatype, body);
  if (data === null)
    throw refusal(`the body has ${body.length} bytes, which are no whole number of ${datatype} values`);
  const open = dims.filter((size) => size === -1).length;
  if (open > 1)
    throw refusal(`input "${name}" has ${open} dimensions of any length, and a raw body tells one`);
  const known = dims.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const shape = [1, ...dims.map((size) => (size === -1 ? data.length / known : size))];
  return { name, datatype, shape, data };
}

function refusal(reason: string): AppError {
  return new AppError('INPUT_INVALID', `A raw body does not fit: ${reason}`);
}
