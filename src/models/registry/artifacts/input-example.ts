import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.ts';
import type { Field, Signature } from '../../signature.ts';

/**
 * Rows of the `serving_input_example.json` that `mlflow.save_model(input_example=…)` leaves, a body of `/invocations`
 * (mlflow.org/docs: model input example): `dataframe_split`, or `inputs` as rows or as named columns. What has another
 * form gives no rows.
 */
export function rowsOfExample(example: JsonValue, signature: Signature): readonly JsonObject[] {
  if (!isJsonObject(example)) return [];
  const { dataframe_split: split, inputs } = example;
  if (isJsonObject(split)) return rowsOfSplit(split);
  if (Array.isArray(inputs)) return rowsOfList(inputs, signature.fields);
  return isJsonObject(inputs) ? rowsOfColumns(inputs, signature) : [];
}

function rowsOfSplit({ columns, data }: JsonObject): readonly JsonObject[] {
  if (!Array.isArray(columns) || !Array.isArray(data)) return [];
  return data
    .filter(Array.isArray)
    .map((row: readonly JsonValue[]) =>
      Object.fromEntries(columns.map((column, i) => [String(column), row[i] ?? null])),
    );
}

/** One tensor: a row is a value of the only field, or a value for each field. */
function rowsOfList(rows: readonly JsonValue[], fields: readonly Field[]): readonly JsonObject[] {
  const [only] = fields;
  return rows.flatMap((row) => {
    if (isJsonObject(row)) return [row];
    if (fields.length === 1 && only !== undefined) return [{ [only.name]: rowValueOf(row, only) }];
    if (!Array.isArray(row) || row.length !== fields.length) return [];
    return [Object.fromEntries(fields.map(({ name }, i) => [name, row[i] ?? null]))];
  });
}

function rowsOfColumns(columns: JsonObject, { fields, tensors }: Signature): readonly JsonObject[] {
  const matrix = tensors.matrix === null ? undefined : columns[tensors.matrix.name];
  if (Array.isArray(matrix)) return rowsOfList(matrix, fields);
  const given = fields.flatMap((field) => {
    const values = columns[field.name];
    return Array.isArray(values) ? [{ field, values }] : [];
  });
  const count = given[0]?.values.length ?? 0;
  if (given.some(({ values }) => values.length !== count)) return [];
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(given.map(({ field, values }) => [field.name, rowValueOf(values[i] ?? null, field)])),
  );
}

/** A column of a graph is written `[[1], [2]]` where its tensor has an axis of length 1 after that of the rows. */
function rowValueOf(value: JsonValue, { shape }: Field): JsonValue {
  return shape.length === 0 && Array.isArray(value) && value.length === 1 ? (value[0] ?? null) : value;
}
