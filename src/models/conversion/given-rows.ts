import { AppError } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { compileRecordCheck, type InputRecord } from '../record-check.ts';
import { type Field, integerBounds, type Signature } from '../signature.ts';
import { recordOf, type TrainingColumns, type TrainingRows } from '../transforms/column-batch.ts';
import type { RawField } from '../transforms/spec.ts';

const MOST_ROWS = 10_000;

/**
 * The first rows of a file that the model takes; its other columns, such as the label, are passed over. INPUT_INVALID when
 * there is none, with what is wrong with the first.
 */
export async function givenRows(
  signature: Signature,
  data: TrainingRows | TrainingColumns,
): Promise<readonly InputRecord[]> {
  const check = compileRecordCheck(signature);
  const rows: InputRecord[] = [];
  let wrong: JsonObject | null = null;
  for await (const batch of batchesOf(signature.fields, data)) {
    for (const row of batch) {
      if (check.fits(row)) rows.push(row);
      else wrong ??= row;
    }
    if (rows.length >= MOST_ROWS) break;
  }
  if (rows.length === 0) {
    throw new AppError('INPUT_INVALID', `${data.name ?? 'The data'} has no row that the model takes`, {
      problems: wrong === null ? [] : check.problems(wrong),
    });
  }
  return rows.slice(0, MOST_ROWS);
}

async function* batchesOf(
  fields: readonly Field[],
  data: TrainingRows | TrainingColumns,
): AsyncGenerator<readonly JsonObject[]> {
  if ('rows' in data) {
    for await (const rows of data.rows()) yield rows.map((row) => ofFields(fields, row));
    return;
  }
  const raw = fields.map(rawField);
  for await (const batch of data.batches({ fields: raw }))
    yield Array.from({ length: batch.count }, (_, row) => ofFields(fields, recordOf(raw, batch, row)));
}

/** The row without what is no field; a missing value that must be there is null. */
function ofFields(fields: readonly Field[], row: JsonObject): JsonObject {
  return Object.fromEntries(
    fields.flatMap(({ name, required, nullable }) => {
      if (Object.hasOwn(row, name)) return [[name, row[name] ?? null]];
      return required && nullable ? [[name, null]] : [];
    }),
  );
}

function rawField({ name, type, required, nullable }: Field): RawField {
  const is = type === 'bool' ? 'boolean' : type === 'string' ? 'string' : null;
  return {
    name,
    type: is ?? (integerBounds(type) === null ? 'number' : 'integer'),
    required: required && !nullable,
  };
}
