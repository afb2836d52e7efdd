import { decodeRaw } from '../../../contracts/oip/raw-tensor.ts';
import { readTensorData } from '../../../contracts/oip/tensor-data.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.ts';
import { datatypeOf } from '../../datatype-of.ts';
import type { ElementType } from '../../signature.ts';
import type { OutputTensor } from '../tensors/decode-outputs.ts';
import type { PeerPort } from './peer-description.ts';
import { PeerFault } from './peer-fault.ts';

type Values = ArrayLike<number | bigint | boolean | string | Uint8Array | null>;

/** An answer of `POST …/infer`; `jsonLength` is what `Inference-Header-Content-Length` says, null where it is not there. */
export interface InferAnswer {
  readonly body: Buffer;
  readonly jsonLength: number | null;
}

/** The outputs that were asked for, of so many rows. Fails with a `PeerFault` where the answer does not hold them so. */
export function readInfer(
  answer: InferAnswer,
  wanted: readonly PeerPort[],
  rows: number,
): Readonly<Record<string, OutputTensor>> {
  const { outputs, contents } = partsOf(answer);
  const tensors: Record<string, OutputTensor> = {};
  for (const port of wanted) {
    const output = outputs.find(({ name }) => name === port.name);
    if (output === undefined) throw garbled(`has no output "${port.name}"`);
    const datatype = datatypeOf(port.type);
    if (output['datatype'] !== datatype)
      throw garbled(`has "${port.name}" as ${shown(output['datatype'])}, and its metadata says ${datatype}`);
    const dims = dimsOf(output, port, rows);
    const size = dims.reduce((product, length) => product * length, 1);
    const bytes = contents.get(output);
    const values =
      bytes === undefined
        ? jsonValues(output, port, dims)
        : (decodeRaw(datatype, bytes) ??
          garbled(`has ${bytes.length} bytes of "${port.name}", which are no ${datatype}`));
    if (values instanceof PeerFault) throw values;
    if (values.length !== size)
      throw garbled(`has ${values.length} values of "${port.name}", and its shape [${dims}] says ${size}`);
    tensors[port.name] = { type: port.type, dims, data: elementsOf(values, port) };
  }
  return tensors;
}

function partsOf({ body, jsonLength }: InferAnswer): {
  readonly outputs: readonly JsonObject[];
  readonly contents: ReadonlyMap<JsonObject, Buffer>;
} {
  if (jsonLength !== null && !(jsonLength >= 0 && jsonLength <= body.length))
    throw garbled('is shorter than its inference-header-content-length says');
  let json: JsonValue;
  try {
    json = JSON.parse(body.toString('utf8', 0, jsonLength ?? body.length)) as JsonValue;
  } catch {
    throw garbled('is not JSON');
  }
  const outputs = isJsonObject(json) ? json['outputs'] : null;
  if (!Array.isArray(outputs) || !outputs.every(isJsonObject)) throw garbled('has no list of outputs');
  const contents = new Map<JsonObject, Buffer>();
  let at = jsonLength ?? body.length;
  for (const output of outputs) {
    const { parameters } = output;
    const size = isJsonObject(parameters) ? parameters['binary_data_size'] : undefined;
    if (size === undefined) continue;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || at + size > body.length)
      throw garbled(`says that "${shown(output['name'])}" has ${shown(size)} bytes, which it does not hold`);
    contents.set(output, body.subarray(at, at + size));
    at += size;
  }
  return { outputs, contents };
}

/** Axes of length 1 at the end are as good as none: servers differ in whether a column has one. */
function dimsOf(
  { shape }: JsonObject,
  { name, shape: described }: PeerPort,
  rows: number,
): readonly number[] {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0))
    throw garbled(`has no shape of "${name}"`);
  const dims = shape as readonly number[];
  const [first, ...rest] = bare(dims);
  const [, ...wanted] = bare(described);
  const fits =
    (dims[0] ?? null) === rows &&
    first !== undefined &&
    rest.length === wanted.length &&
    rest.every((size, axis) => typeof wanted[axis] === 'string' || wanted[axis] === size);
  if (fits) return dims;
  // A free axis may be of length 1, too.
  const free = described.length === dims.length && dims[0] === rows;
  if (
    free &&
    dims
      .slice(1)
      .every((size, axis) => typeof described[axis + 1] === 'string' || described[axis + 1] === size)
  )
    return dims;
  throw garbled(
    `has the shape [${dims}] of "${name}" for ${rows} rows, and its metadata says [${described}]`,
  );
}

/** Without the axes of length 1 after the first. */
function bare<Size extends number | string>(shape: readonly Size[]): readonly Size[] {
  return shape.filter((size, axis) => axis === 0 || size !== 1);
}

function jsonValues(
  output: JsonObject,
  { name, type }: PeerPort,
  dims: readonly number[],
): Values | PeerFault {
  const { data } = output;
  if (!Array.isArray(data)) return garbled(`has no data of "${name}"`);
  if (isLong(type) && (data.flat(Number.POSITIVE_INFINITY) as readonly JsonValue[]).some(isInexact))
    return inexact(name);
  const values = readTensorData(datatypeOf(type), dims, data as readonly JsonValue[]);
  return typeof values === 'string' ? garbled(`has "${name}", which ${values}`) : values;
}

function elementsOf(values: Values, { name, type }: PeerPort): OutputTensor['data'] {
  const isFloat = type === 'float16' || type === 'float32' || type === 'float64';
  const length = values.length;
  const elements: number[] | Float32Array | Float64Array =
    type === 'float32'
      ? new Float32Array(length)
      : type === 'float64'
        ? new Float64Array(length)
        : new Array<number>(length);
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (typeof value === 'bigint') throw inexact(name);
    if (value instanceof Uint8Array) throw aboutRows(`has a text of "${name}" that is no UTF-8`);
    if (value === null && !isFloat) throw aboutRows(`has a missing value of "${name}"`);
    elements[i] = (value === null ? Number.NaN : value) as number;
  }
  return elements;
}

function isLong(type: ElementType): boolean {
  return type === 'int64' || type === 'uint64';
}

function isInexact(value: JsonValue): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

function inexact(name: string): PeerFault {
  return aboutRows(`has an integer of "${name}" beyond 2^53, where numbers of JSON are not exact`);
}

function aboutRows(reason: string): PeerFault {
  return new PeerFault('rows', `its answer ${reason}`);
}

function garbled(reason: string): PeerFault {
  return new PeerFault('garbled', `its answer ${reason}`);
}

function shown(value: unknown): string {
  return String(value).slice(0, 64);
}
