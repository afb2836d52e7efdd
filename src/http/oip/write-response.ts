import { isFloat } from '../../contracts/oip/datatypes.ts';
import { encodeRaw } from '../../contracts/oip/raw-tensor.ts';
import type { Tensor } from '../../contracts/oip/tensor.ts';
import type { InferRequest, InferResponse } from '../../dialects/oip/protocol.ts';
import { float32Text } from '../../kernel/float-text.ts';

/** An answer's body; `jsonLength` is where the binary data begin, null where there are none. */
export interface WrittenResponse {
  readonly body: string | Buffer;
  readonly jsonLength: number | null;
}

/** The answer as JSON, with those outputs behind it as raw contents that the request wants so. */
export function writeResponse(response: InferResponse, request: InferRequest): WrittenResponse {
  const { modelName, modelVersion, id, parameters, outputs } = response;
  const parts: Buffer[] = [];
  let json = `{"model_name":${JSON.stringify(modelName)},"model_version":${JSON.stringify(modelVersion)},`;
  if (id !== undefined) json += `"id":${JSON.stringify(id)},`;
  json += `"parameters":${JSON.stringify(parameters)},"outputs":[`;
  for (let i = 0; i < outputs.length; i++) {
    const tensor = outputs[i] as Tensor;
    const head = `${i === 0 ? '' : ','}{"name":${JSON.stringify(tensor.name)},"datatype":"${tensor.datatype}","shape":[${tensor.shape.join(',')}],`;
    if (isBinary(tensor.name, request)) {
      const content = encodeRaw(tensor);
      parts.push(content);
      json += `${head}"parameters":{"binary_data_size":${content.length}}}`;
    } else json += `${head}"data":[${dataText(tensor)}]}`;
  }
  json += ']}';
  if (parts.length === 0) return { body: json, jsonLength: null };
  const start = Buffer.from(json);
  return { body: Buffer.concat([start, ...parts]), jsonLength: start.length };
}

/** What is said of one output goes before what is said of all. */
function isBinary(name: string, { outputs, parameters }: InferRequest): boolean {
  const own = outputs?.find((output) => output.name === name)?.parameters['binary_data'];
  return (own ?? parameters['binary_data_output']) === true;
}

/** Flat and row-major. JSON has no number for NaN and the infinities: null stands for them. */
function dataText({ datatype, data }: Tensor): string {
  const textOf = datatype === 'BYTES' ? JSON.stringify : datatype === 'FP32' ? float32Text : String;
  const canMiss = isFloat(datatype);
  let text = '';
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as never;
    if (i > 0) text += ',';
    text += canMiss && !Number.isFinite(value) ? 'null' : textOf(value);
  }
  return text;
}
