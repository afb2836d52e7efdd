import { AppError } from '../../kernel/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';

/** What a body of `POST /invocations` holds. */
export interface Invocation {
  readonly data: InvocationData;
  /** Inference parameters as they came, for a model that declares some; null where there are none. */
  readonly params: JsonValue;
}

/** The rows, in whichever of MLflow's forms. */
export type InvocationData =
  /** `dataframe_split` and CSV. Columns are null where the caller names none. */
  | {
      readonly form: 'frame';
      readonly columns: readonly string[] | null;
      readonly rows: readonly (readonly JsonValue[])[];
      readonly isText: boolean;
    }
  /** `dataframe_records`. */
  | { readonly form: 'records'; readonly records: readonly JsonObject[] }
  /** `instances` (rows) and `inputs` (columns, rows or one value). */
  | { readonly form: 'arrays'; readonly value: JsonValue; readonly key: 'instances' | 'inputs' };

/** Of a table. */
export const MAX_COLUMNS = 20_000;

const FORMATS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;
const TEXT_KEYS = ['messages', 'prompt', 'input'];
const REQUIRED_FORMAT = `The input must be a JSON dictionary with exactly one of the input fields {${FORMATS.map((name) => `'${name}'`).join(', ')}}`;

/**
 * Reads a JSON body as MLflow's scoring server does (mlflow/pyfunc/scoring_server, utils/proto_json_utils.py): keys that
 * are none of its own are passed over.
 */
export function readInvocation(body: JsonValue): Invocation {
  if (Array.isArray(body)) throw malformed(`${REQUIRED_FORMAT}. Received a list.`);
  if (!isJsonObject(body)) throw malformed(`${REQUIRED_FORMAT}. Received a ${typeof body}.`);
  const textKey = TEXT_KEYS.find((key) => Object.hasOwn(body, key));
  if (textKey !== undefined) {
    throw new AppError(
      'REQUEST_INVALID',
      `"${textKey}" is the form of language models, and this model takes rows. ${REQUIRED_FORMAT}.`,
    );
  }
  const given = FORMATS.filter((key) => Object.hasOwn(body, key));
  const [format] = given;
  if (format === undefined || given.length > 1) {
    const named = given.map((key) => `'${key}'`).join(', ');
    throw malformed(`${REQUIRED_FORMAT}. Received dictionary with input fields: [${named}].`);
  }
  return { data: readData(format, body[format] as JsonValue), params: body['params'] ?? null };
}

function readData(format: (typeof FORMATS)[number], value: JsonValue): InvocationData {
  if (format === 'dataframe_split') return readSplit(value);
  if (format === 'dataframe_records') return readRecords(value);
  return { form: 'arrays', value, key: format };
}

function readSplit(value: JsonValue): InvocationData {
  if (!isJsonObject(value))
    throw malformed(`Dataframe split format must be a dictionary. Got ${pythonTypeOf(value)}.`);
  const extra = Object.keys(value).filter((key) => !['columns', 'index', 'data'].includes(key));
  const { columns, index, data } = value;
  if (data === undefined || extra.length > 0) {
    throw malformed(
      "Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields.",
    );
  }
  if (!Array.isArray(data) || !data.every((row) => Array.isArray(row)))
    throw invalidFrame('split', 'data is not a list of rows');
  const rows = data as readonly (readonly JsonValue[])[];
  if (index !== undefined && index !== null && (!Array.isArray(index) || index.length !== rows.length))
    throw invalidFrame('split', 'index is not as long as data');
  if (columns === undefined || columns === null) return { form: 'frame', columns: null, rows, isText: false };
  if (!Array.isArray(columns)) throw invalidFrame('split', 'columns is not a list');
  if (columns.length > MAX_COLUMNS) throw invalidFrame('split', `there are more than ${MAX_COLUMNS} columns`);
  const long = rows.find((row) => row.length > columns.length);
  if (long !== undefined || (rows.length > 0 && rows.every((row) => row.length < columns.length))) {
    const passed = Math.max(...rows.slice(0, 1).map((row) => row.length), long?.length ?? 0);
    throw invalidFrame('split', `${columns.length} columns passed, passed data had ${passed} columns`);
  }
  return { form: 'frame', columns: columns.map(String), rows, isText: false };
}

function readRecords(value: JsonValue): InvocationData {
  if (!Array.isArray(value))
    throw malformed(`Dataframe records format must be a list of records. Got ${pythonTypeOf(value)}.`);
  if (!value.every(isJsonObject)) throw invalidFrame('records', 'a record is not a dictionary');
  return { form: 'records', records: value };
}

function invalidFrame(orient: 'split' | 'records', reason: string): AppError {
  return malformed(
    `Provided dataframe_${orient} field is not a valid dataframe representation in '${orient}' format. Error: '${reason}'`,
  );
}

function pythonTypeOf(value: JsonValue): string {
  if (Array.isArray(value)) return 'list';
  return isJsonObject(value) ? 'dictionary' : `type ${value === null ? 'null' : typeof value}`;
}

function malformed(reason: string): AppError {
  return new AppError('REQUEST_MALFORMED', `Invalid input. ${reason}`);
}
