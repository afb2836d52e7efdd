import { encodeRaw } from '../../contracts/oip/raw-tensor.ts';
import type { Tensor } from '../../contracts/oip/tensor.ts';
import type { InferResponse } from '../../dialects/oip/protocol.ts';
import { CONTENTS_FIELD } from './datatypes.ts';
import { writeParameters } from './parameters.ts';
import { writeContents } from './tensor-contents.ts';
import { WIRE } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

const writer = new WireWriter();

/** A ModelInferResponse; raw where `asRaw` says so, or where a tensor's datatype has no other form. */
export function encodeInferResponse(response: InferResponse, asRaw: boolean): Buffer {
  writer.clear();
  writeResponse(response, asRaw);
  return writer.finish();
}

/** A ModelStreamInferResponse with an answer: the only one to its request, which Triton's clients may wait to be told. */
export function encodeStreamAnswer(response: InferResponse, asRaw: boolean): Buffer {
  writer.clear();
  const place = writer.open(2);
  writeResponse({ ...response, parameters: { ...response.parameters, triton_final_response: true } }, asRaw);
  writer.close(place);
  return writer.finish();
}

/** A ModelStreamInferResponse with a failure; Triton's says by `id` to which request it belongs. */
export function encodeStreamFailure(message: string, id: string | undefined): Buffer {
  writer.clear();
  writeText(1, message);
  const place = writer.open(2);
  writeText(3, id ?? '');
  writer.close(place);
  return writer.finish();
}

function writeResponse(response: InferResponse, asRaw: boolean): void {
  const { outputs } = response;
  const isRaw = asRaw || outputs.some(({ datatype }) => CONTENTS_FIELD[datatype] === null);
  writeText(1, response.modelName);
  writeText(2, response.modelVersion);
  writeText(3, response.id ?? '');
  writeParameters(writer, 4, response.parameters);
  for (const output of outputs) writeOutput(output, isRaw);
  if (!isRaw) return;
  for (const output of outputs) {
    writer.tag(6, WIRE.bytes);
    writer.blob(encodeRaw(output));
  }
}

function writeOutput({ name, datatype, shape, parameters, data }: Tensor, isRaw: boolean): void {
  const place = writer.open(5);
  writeText(1, name);
  writeText(2, datatype);
  if (shape.length > 0) {
    const packed = writer.open(3);
    for (const length of shape) writer.int64(length);
    writer.close(packed);
  }
  if (parameters !== undefined) writeParameters(writer, 4, parameters);
  if (!isRaw) {
    const contents = writer.open(5);
    writeContents(writer, CONTENTS_FIELD[datatype] as number, data);
    writer.close(contents);
  }
  writer.close(place);
}

function writeText(field: number, text: string): void {
  if (text === '') return;
  writer.tag(field, WIRE.bytes);
  writer.string(text);
}
