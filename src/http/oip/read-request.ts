import { decodeRaw } from '../../contracts/oip/raw-tensor.ts';
import { DATATYPES, type Datatype, type InputTensor, type Parameters } from '../../contracts/oip/tensor.ts';
import { readTensorData } from '../../contracts/oip/tensor-data.ts';
import type { InferRequest, RequestedOutput } from '../../dialects/oip/protocol.ts';
import { AppError, type FieldProblem, summaryOf } from '../../kernel/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, jsonTypeOf } from '../../kernel/json.ts';
import { parseBody } from '../parse-body.ts';

const KNOWN: ReadonlySet<unknown> = new Set(DATATYPES);
const NAME_LENGTH = 64;
const MAX_PROBLEMS = 100;
const NO_PARAMETERS: Parameters = {};

/**
 * The request that a body is: JSON, and behind its first `jsonLength` bytes the raw contents of the inputs that say so
 * (Triton's binary tensor extension). Fails with BODY_MALFORMED, or REQUEST_INVALID with every fault.
 */
export function readInferRequest(
  modelName: string,
  modelVersion: string,
  { body, jsonLength }: { readonly body: Buffer; readonly jsonLength: number | null },
): InferRequest {
  if (jsonLength !== null && jsonLength > body.length) {
    throw new AppError(
      'REQUEST_MALFORMED',
      `Inference-Header-Content-Length says ${jsonLength} bytes, and the body has ${body.length}`,
    );
  }
  const json = jsonLength === null ? body : body.subarray(0, jsonLength);
  const { value } = parseBody(json);
  const problems: FieldProblem[] = [];
  if (!isJsonObject(value)) {
    problems.push({ path: '', message: 'must be an object with inputs', got: jsonTypeOf(value) });
    throw invalid(problems);
  }
  const { id } = value;
  if (id !== undefined && typeof id !== 'string')
    problems.push({ path: 'id', message: 'must be a string', got: jsonTypeOf(id) });
  const binary = new BinaryParts(jsonLength === null ? null : body.subarray(jsonLength));
  const request: InferRequest = {
    modelName,
    modelVersion,
    id: id as string | undefined,
    parameters: readParameters(value['parameters'], 'parameters', problems),
    inputs: readInputs(value['inputs'], binary, problems),
    outputs: readOutputs(value['outputs'], problems),
  };
  if (problems.length === 0) binary.requireEnd(problems);
  if (problems.length > 0) throw invalid(problems);
  return request;
}

function invalid(problems: readonly FieldProblem[]): AppError {
  return new AppError('REQUEST_INVALID', summaryOf(problems, 'The request'), {
    problems: problems.slice(0, MAX_PROBLEMS),
  });
}

/** The bytes behind the JSON, given out in the order of the inputs. */
class BinaryParts {
  readonly #bytes: Buffer | null;
  #at = 0;

  constructor(bytes: Buffer | null) {
    this.#bytes = bytes;
  }

  /** Null where there are not so many left. */
  take(size: number): Buffer | null {
    if (this.#bytes === null || this.#at + size > this.#bytes.length) return null;
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  requireEnd(problems: FieldProblem[]): void {
    const left = (this.#bytes?.length ?? 0) - this.#at;
    if (left > 0) problems.push({ path: '', message: `has ${left} bytes behind the data of its inputs` });
  }
}

function readInputs(
  inputs: JsonValue | undefined,
  binary: BinaryParts,
  problems: FieldProblem[],
): readonly InputTensor[] {
  if (!Array.isArray(inputs)) {
    problems.push({ path: 'inputs', message: 'must be a list of tensors', got: jsonTypeOf(inputs) });
    return [];
  }
  const tensors: InputTensor[] = [];
  for (let i = 0; i < inputs.length && problems.length < MAX_PROBLEMS; i++) {
    const tensor = readInput(inputs[i] as JsonValue, `inputs[${i}]`, binary, problems);
    if (tensor !== null) tensors.push(tensor);
  }
  return tensors;
}

function readInput(
  input: JsonValue,
  place: string,
  binary: BinaryParts,
  problems: FieldProblem[],
): InputTensor | null {
  if (!isJsonObject(input)) {
    problems.push({ path: place, message: 'must be a tensor', got: jsonTypeOf(input) });
    return null;
  }
  const { name, datatype, shape, data } = input;
  const isNamed = typeof name === 'string' && name !== '';
  const path = isNamed ? name.slice(0, NAME_LENGTH) : place;
  const before = problems.length;
  if (!isNamed) problems.push({ path, message: 'has no name', got: jsonTypeOf(name) });
  if (!KNOWN.has(datatype))
    problems.push({ path, message: `has a datatype that is none of ${DATATYPES.join(', ')}` });
  if (!isShape(shape))
    problems.push({ path, message: 'has a shape that is no list of numbers', got: jsonTypeOf(shape) });
  const parameters = readParameters(input['parameters'], path, problems);
  const size = parameters['binary_data_size'];
  const bytes = size === undefined ? null : takeBytes(size, path, binary, problems);
  const given =
    parameters['shared_memory_region'] !== undefined ? 'shared memory, which is not served here' : null;
  if (given !== null) problems.push({ path, message: `has its data in ${given}` });
  else if (size === undefined && !Array.isArray(data))
    problems.push({ path, message: 'has no list of data', got: jsonTypeOf(data) });
  else if (size !== undefined && data !== undefined)
    problems.push({ path, message: 'has both data and binary_data_size' });
  if (problems.length > before) return null;
  const values =
    bytes === null
      ? readTensorData(datatype as Datatype, shape as readonly number[], data as readonly JsonValue[])
      : (decodeRaw(datatype as Datatype, bytes) ??
        `has ${bytes.length} bytes of binary data, which are no whole number of ${datatype} values`);
  if (typeof values !== 'string') return { name, datatype, shape, data: values } as unknown as InputTensor;
  problems.push({ path, message: values });
  return null;
}

function isShape(shape: JsonValue | undefined): boolean {
  return Array.isArray(shape) && shape.every((size) => typeof size === 'number');
}

function takeBytes(
  size: Parameters[string],
  path: string,
  binary: BinaryParts,
  problems: FieldProblem[],
): Buffer | null {
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    problems.push({ path, message: 'has a binary_data_size that is no number of bytes' });
    return null;
  }
  const bytes = binary.take(size);
  if (bytes === null)
    problems.push({ path, message: `has ${size} bytes of binary data, which the body does not hold` });
  return bytes;
}

function readOutputs(
  outputs: JsonValue | undefined,
  problems: FieldProblem[],
): readonly RequestedOutput[] | null {
  if (outputs === undefined || outputs === null) return null;
  if (!Array.isArray(outputs)) {
    problems.push({ path: 'outputs', message: 'must be a list of outputs', got: jsonTypeOf(outputs) });
    return null;
  }
  const requested: RequestedOutput[] = [];
  for (let i = 0; i < outputs.length && problems.length < MAX_PROBLEMS; i++) {
    const output = outputs[i] as JsonValue;
    const name = isJsonObject(output) ? output['name'] : undefined;
    if (typeof name !== 'string') {
      problems.push({ path: `outputs[${i}]`, message: 'must be an output with a name' });
      continue;
    }
    const path = name.slice(0, NAME_LENGTH);
    const parameters = readParameters((output as JsonObject)['parameters'], path, problems);
    if (parameters['shared_memory_region'] !== undefined)
      problems.push({ path, message: 'is asked for in shared memory, which is not served here' });
    requested.push({ name, parameters });
  }
  return requested;
}

/** Strings, numbers and booleans; what nothing here reads is passed over. */
function readParameters(value: JsonValue | undefined, path: string, problems: FieldProblem[]): Parameters {
  if (value === undefined || value === null) return NO_PARAMETERS;
  if (!isJsonObject(value)) {
    problems.push({ path, message: 'has parameters that are no object', got: jsonTypeOf(value) });
    return NO_PARAMETERS;
  }
  for (const name in value) {
    const parameter = value[name];
    if (typeof parameter !== 'object') continue;
    problems.push({
      path,
      message: `has the parameter ${name.slice(0, NAME_LENGTH)}, which is no string, number or boolean`,
    });
    break;
  }
  return value as Parameters;
}
