import type { FieldInfo } from '../../src/contracts/native.ts';
import { decodeRaw, encodeRaw } from '../../src/contracts/oip/raw-tensor.ts';
import type { Datatype } from '../../src/contracts/oip/tensor.ts';
import type { JsonValue } from '../../src/kernel/json.ts';
import type { GrpcClient } from './grpc-client.ts';

export type Row = Readonly<Record<string, JsonValue>>;

/** What any dialect says to rows. */
export type Said =
  | { readonly is: 'answered'; readonly rows: readonly RowAnswer[] }
  | { readonly is: 'refused'; readonly status: number | string; readonly text: string };

/** Floats are rounded to 32 bits, and probabilities sorted: dialects name classes in ways of their own. */
export interface RowAnswer {
  readonly prediction: JsonValue;
  readonly probabilities: readonly number[] | null;
}

/** Sends rows; null where the dialect has no way to say them. */
export type Ask = (rows: readonly Row[]) => Promise<Said | null>;

interface Served {
  readonly url: string;
  readonly grpc: GrpcClient;
  readonly endpoint: string;
  readonly fields: readonly FieldInfo[];
}

/** Each way to ask a served endpoint; the first word is the dialect as log lines call it. */
export function dialectsOf({ url, grpc, endpoint, fields }: Served): Readonly<Record<string, Ask>> {
  const columns = fields.map(({ name }) => name);
  const cellsOf = (rows: readonly Row[]): JsonValue[][] =>
    rows.map((row) => columns.map((name) => row[name] ?? null));
  const send = async (path: string, body: object | string | Buffer, headers = JSON_TYPE) =>
    sent(await fetch(url + path, { method: 'POST', headers, body: bytesOf(body) }));
  const invoke = (body: object | string, headers = JSON_TYPE) =>
    send('/invocations', body, headers).then((reply) => saidOf(reply, mlflowRows));
  const infer = (tensors: readonly Tensor[], isBinary: boolean) => {
    const { body, headers } = isBinary
      ? binaryBody(tensors)
      : { body: jsonBody(tensors), headers: JSON_TYPE };
    return send(`/v2/models/${endpoint}/infer`, body, headers).then((reply) => saidOf(reply, tensorRows));
  };

  return {
    'native rows': async (rows) => {
      const answers: RowAnswer[] = [];
      for (const features of rows) {
        const said = saidOf(await send('/predict', { features }), (body) => [nativeRow(body)]);
        if (said.is === 'refused') return said;
        answers.push(...said.rows);
      }
      return { is: 'answered', rows: answers };
    },
    'mlflow records': (rows) => invoke({ dataframe_records: rows }),
    'mlflow records backwards': (rows) =>
      invoke({ dataframe_records: rows.map((row) => Object.fromEntries(Object.entries(row).reverse())) }),
    'mlflow split': (rows) => invoke({ dataframe_split: { columns, data: cellsOf(rows) } }),
    'mlflow inputs': (rows) =>
      invoke({
        inputs: Object.fromEntries(columns.map((name, i) => [name, cellsOf(rows).map((row) => row[i])])),
      }),
    'mlflow instances': (rows) => invoke({ instances: rows }),
    'mlflow csv': async (rows) => {
      const cells = cellsOf(rows);
      const isSayable = cells.every((row) => row.every((cell, i) => isCsv(fields[i] as FieldInfo, cell)));
      if (!isSayable) return null;
      const csv = [columns, ...cells].map((row) => row.map(csvCell).join(',')).join('\r\n');
      return invoke(csv, { 'content-type': 'text/csv; charset=utf-8' });
    },
    'kserve-v1': (rows) =>
      send(`/v1/models/${endpoint}:predict`, { instances: rows }).then((reply) =>
        saidOf(reply, ({ predictions }) =>
          (predictions as JsonValue[]).map((prediction) => ({
            prediction: rounded(prediction),
            probabilities: null,
          })),
        ),
      ),
    'oip-rest json': async (rows) => {
      const tensors = tensorsOf(fields, cellsOf(rows), true);
      return tensors && infer(tensors, false);
    },
    'oip-rest binary': async (rows) => {
      const tensors = tensorsOf(fields, cellsOf(rows), false);
      return tensors && infer(tensors, true);
    },
    'oip-grpc typed': async (rows) => {
      const tensors = tensorsOf(fields, cellsOf(rows), false);
      return tensors && call(grpc, { model_name: endpoint, inputs: tensors.map(typedInput) });
    },
    'oip-grpc raw': async (rows) => {
      const tensors = tensorsOf(fields, cellsOf(rows), false);
      return (
        tensors &&
        call(grpc, {
          model_name: endpoint,
          inputs: tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
          raw_input_contents: tensors.map((tensor) => encodeRaw(tensor)),
        })
      );
    },
  };
}

/** The reference: every row answered or refused alone. */
export async function askBatch(url: string, rows: readonly Row[]): Promise<readonly RowAnswer[]> {
  const reply = await fetch(`${url}/predict/batch`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify({ instances: rows }),
  });
  const { predictions } = (await reply.json()) as { predictions: Record<string, JsonValue>[] };
  return predictions.map(nativeRow);
}

const JSON_TYPE: Readonly<Record<string, string>> = { 'content-type': 'application/json' };

function bytesOf(body: object | string | Buffer): Uint8Array {
  if (Buffer.isBuffer(body)) return new Uint8Array(body);
  return new Uint8Array(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

async function sent(reply: Response): Promise<Reply> {
  return { status: reply.status, text: await reply.text() };
}

function saidOf(
  { status, text }: Reply,
  rowsOf: (body: Record<string, JsonValue>) => readonly RowAnswer[],
): Said {
  return status === 200
    ? { is: 'answered', rows: rowsOf(JSON.parse(text)) }
    : { is: 'refused', status, text };
}

function rounded(value: JsonValue): JsonValue {
  if (typeof value === 'number') return Math.fround(value);
  return Array.isArray(value) ? value.map(rounded) : value;
}

function sorted(values: readonly JsonValue[]): readonly number[] {
  return (values as number[]).map(Math.fround).sort((a, b) => a - b);
}

function nativeRow({ prediction, probabilities }: Record<string, JsonValue>): RowAnswer {
  return {
    prediction: rounded(prediction as JsonValue),
    probabilities: probabilities === undefined ? null : sorted(Object.values(probabilities as object)),
  };
}

/** Records, or one tensor an output: the part that is one value is the prediction. */
function mlflowRows({ predictions }: Record<string, JsonValue>): readonly RowAnswer[] {
  const records = Array.isArray(predictions)
    ? predictions
    : recordsOf(predictions as Record<string, JsonValue[]>);
  return (records as Record<string, JsonValue>[]).map((record) => rowOfParts(Object.values(record)));
}

function recordsOf(tensors: Record<string, JsonValue[]>): readonly JsonValue[] {
  const [first = []] = Object.values(tensors);
  return first.map((_, row) =>
    Object.fromEntries(Object.entries(tensors).map(([name, values]) => [name, values[row] as JsonValue])),
  );
}

function rowOfParts(parts: readonly JsonValue[]): RowAnswer {
  const bare = parts.map((part) =>
    Array.isArray(part) && part.length === 1 ? (part[0] as JsonValue) : part,
  );
  const isScalar = (part: JsonValue) => part === null || typeof part !== 'object';
  const probabilities = bare.find((part) => !isScalar(part));
  return {
    prediction: rounded(bare.find(isScalar) ?? null),
    probabilities: probabilities === undefined ? null : sorted(Object.values(probabilities as object)),
  };
}

interface OutputTensor {
  readonly shape: readonly number[];
  readonly data: readonly JsonValue[];
}

function tensorRows({ outputs }: Record<string, JsonValue>): readonly RowAnswer[] {
  const tensors = outputs as unknown as readonly OutputTensor[];
  const rows = tensors[0]?.shape[0] ?? 0;
  return Array.from({ length: rows }, (_, row) =>
    rowOfParts(
      tensors.map(({ data }) => {
        const width = data.length / rows;
        return data.slice(row * width, (row + 1) * width) as JsonValue;
      }),
    ),
  );
}

interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: (number | boolean | string)[];
}

/** A tensor a column; null where a column holds what no one datatype has. Null is NaN where JSON cannot say it. */
function tensorsOf(
  fields: readonly FieldInfo[],
  cells: readonly (readonly JsonValue[])[],
  canBeNull: boolean,
): readonly Tensor[] | null {
  const tensors = fields.map(({ name, type }, i) => {
    const values = cells.map((row) => row[i] as JsonValue);
    const datatype = datatypeOf(type, values, canBeNull);
    if (datatype === null) return null;
    const data = (canBeNull ? values : values.map((value) => value ?? Number.NaN)) as Tensor['data'];
    return { name, datatype, shape: [values.length, 1], data };
  });
  return tensors.includes(null) ? null : (tensors as readonly Tensor[]);
}

const KINDS: Readonly<Record<string, string>> = { string: 'string', bool: 'boolean' };

function datatypeOf(own: string, values: readonly JsonValue[], canBeNull: boolean): Datatype | null {
  const types = new Set(values.filter((value) => value !== null).map((value) => typeof value));
  const [type = KINDS[own] ?? 'number'] = types;
  const isWhole = values.every((value) => Number.isSafeInteger(value));
  if (types.size > 1) return null;
  if (type === 'number') return isWhole ? 'INT64' : 'FP64';
  if (!canBeNull && values.includes(null)) return null;
  return ({ string: 'BYTES', boolean: 'BOOL' } as const)[type as string] ?? null;
}

function jsonBody(tensors: readonly Tensor[]): object {
  return { inputs: tensors };
}

function binaryBody(tensors: readonly Tensor[]): { body: Buffer; headers: Record<string, string> } {
  const parts = tensors.map((tensor) => encodeRaw(tensor));
  const inputs = tensors.map(({ name, datatype, shape }, i) => ({
    name,
    datatype,
    shape,
    parameters: { binary_data_size: parts[i]?.length },
  }));
  const json = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: false } }));
  const headers = {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(json.length),
  };
  return { body: Buffer.concat([json, ...parts]), headers };
}

const CONTENTS: Readonly<Partial<Record<Datatype, string>>> = {
  BOOL: 'bool_contents',
  INT64: 'int64_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

function typedInput({ name, datatype, shape, data }: Tensor): object {
  const values = datatype === 'BYTES' ? data.map((text) => Buffer.from(String(text))) : data;
  return { name, datatype, shape, contents: { [CONTENTS[datatype] as string]: values } };
}

async function call(grpc: GrpcClient, message: Readonly<Record<string, unknown>>): Promise<Said> {
  try {
    const answer = await grpc.call('ModelInfer', message);
    return { is: 'answered', rows: tensorRows({ outputs: grpcOutputs(answer) as JsonValue }) };
  } catch (error) {
    const { code, details } = error as { code: number; details: string };
    return { is: 'refused', status: `grpc ${code}`, text: details };
  }
}

/** With their values from wherever the answer has them. */
function grpcOutputs(answer: Readonly<Record<string, unknown>>): unknown {
  const outputs = answer['outputs'] as {
    shape: number[];
    datatype: string;
    contents: Record<string, unknown[]> | null;
  }[];
  const raw = answer['raw_output_contents'] as Uint8Array[];
  return outputs.map(({ shape, datatype, contents }, i) => {
    const typed = Object.values(contents ?? {}).find((values) => values.length > 0);
    const data = typed ?? rawValues(datatype as Datatype, Buffer.from(raw[i] as Uint8Array));
    return {
      shape,
      data: data.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value)),
    };
  });
}

function rawValues(datatype: Datatype, bytes: Buffer): unknown[] {
  const values = decodeRaw(datatype, bytes);
  return Array.from(values ?? [], (value) => (typeof value === 'bigint' ? Number(value) : value));
}

/** CSV cannot say a text that is empty or a value of another kind than its text reads as. */
function isCsv({ type }: FieldInfo, cell: JsonValue): boolean {
  if (type !== 'string') return cell === null || typeof cell !== 'object';
  return cell === null || (typeof cell === 'string' && cell !== '');
}

function csvCell(value: JsonValue): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
