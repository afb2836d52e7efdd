import type { FieldProblem } from '../../kernel/errors.ts';
import type { Wanted } from '../../models/transforms/column-batch.ts';
import type { RawField } from '../../models/transforms/spec.ts';
import { identifier, literal } from './duckdb.ts';

export interface TableColumn {
  readonly name: string;
  /** DuckDB's name of the type. */
  readonly type: string;
}

export interface Table {
  /** What stands behind FROM. */
  readonly from: string;
  readonly isText: boolean;
  readonly columns: readonly TableColumn[];
}

/** SQL that makes of a column what a field takes. */
export interface FieldSql {
  /** DOUBLE, NULL for a missing value; or VARCHAR. */
  readonly value: string;
  readonly isText: boolean;
  /** True for a value that is there and that `value` could not read; null when every value can be read. */
  readonly isMisread: string | null;
  /** The value as it came, VARCHAR. */
  readonly raw: string;
}

/** Several are in memory at once; DuckDB asks for four lines of the greatest length, 2 MB. */
const CSV_BUFFER_BYTES = 8_388_608;

const WHOLE = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/;
const FLOATING = /^(FLOAT|DOUBLE)$/;
const DECIMAL = /^DECIMAL/;
const INSTANT = /^(DATE|TIMESTAMP)/;
const TEXT = /^(VARCHAR|ENUM)/;

/** What stands behind FROM for a file, of which these columns of a CSV are parsed as numbers and the others as text. */
export function sourceOf(file: string, numbers: readonly string[] = []): string {
  const path = literal(file);
  if (file.endsWith('.parquet')) return `read_parquet(${path})`;
  const types = numbers.map((name) => `${literal(name)}: 'DOUBLE'`).join(', ');
  const options = ['all_varchar = true', 'header = true', `buffer_size = ${CSV_BUFFER_BYTES}`];
  return `read_csv(${[path, ...options, ...(types === '' ? [] : [`types = {${types}}`])].join(', ')})`;
}

/**
 * The same CSV with its numbers parsed as such, which is half the work of parsing a text first: it breaks off at a cell
 * that is no number. What is carried along stays a text.
 */
export function withNumbers(file: string, table: Table, { fields, target, keep }: Wanted): Table {
  const asText = new Set([target, ...(keep?.names ?? [])]);
  const numbers = new Set<string>(
    fields.flatMap(({ name, type }) => (/^(number|integer)$/.test(type) && !asText.has(name) ? [name] : [])),
  );
  const columns = table.columns.map((column) =>
    numbers.has(column.name) ? { ...column, type: 'DOUBLE' } : column,
  );
  const found = columns.flatMap(({ name, type }) => (type === 'DOUBLE' ? [name] : []));
  return { ...table, from: sourceOf(file, found), columns };
}

/** How to read a field; null when the column has a type that the field cannot be. */
export function fieldSql({ type }: RawField, column: TableColumn, isText: boolean): FieldSql | null {
  const raw = identifier(column.name);
  if (isText && TEXT.test(column.type)) return ofText(type, raw);
  const of = (value: string, isTextual = false): FieldSql => ({
    value,
    isText: isTextual,
    isMisread: null,
    raw,
  });
  if (type === 'string') return TEXT.test(column.type) ? of(`${raw}::VARCHAR`, true) : null;
  if (type === 'datetime') {
    if (TEXT.test(column.type)) return of(`${raw}::VARCHAR`, true);
    return INSTANT.test(column.type) ? of(`floor(epoch_us(${instant(raw, column.type)}) / 1000)`) : null;
  }
  if (type === 'boolean') {
    if (column.type === 'BOOLEAN') return of(`${raw}::DOUBLE`);
    if (!WHOLE.test(column.type)) return null;
    const value = `CASE WHEN ${raw} IN (0, 1) THEN ${raw}::DOUBLE END`;
    return { value, isText: false, isMisread: `${raw} NOT IN (0, 1)`, raw: `${raw}::VARCHAR` };
  }
  const value = numberSql(raw, column.type);
  return value === null ? null : of(value);
}

/**
 * A column that is carried along, in JSON. Cells of a CSV are text, as they are, but where those of the target and of the
 * fields are what the transform says.
 */
export function keptJson(
  { name, type }: TableColumn,
  isText: boolean,
  fields: readonly RawField[],
  target: string | undefined,
): string {
  const raw = identifier(name);
  const plain = `CASE WHEN ${raw} IS NOT NULL THEN to_json(${raw})::VARCHAR END`;
  const field = fields.find((known) => known.name === name);
  if (!isText || (field === undefined && name !== target)) return plain;
  const sql = field === undefined ? null : fieldSql(field, { name, type }, true);
  if (sql?.isText === true) return plain;
  const value = sql?.value ?? labelSql({ name, type }, true);
  return `coalesce(to_json(${value})::VARCHAR, ${plain})`;
}

/** A label is a number or a boolean; anything else is no label. */
export function labelSql(column: TableColumn, isText: boolean): string | null {
  const raw = identifier(column.name);
  if (isText) return `coalesce(TRY_CAST(${raw} AS DOUBLE), ${booleanSql(raw)})`;
  return column.type === 'BOOLEAN' ? `${raw}::DOUBLE` : numberSql(raw, column.type);
}

/** Every required field, the target and every column to keep that is not among the columns or has a type that does not fit. */
export function columnProblems(
  table: Table,
  { fields, target, labels, keep }: Wanted,
): readonly FieldProblem[] {
  const columns = new Map(table.columns.map((column) => [column.name, column]));
  const problems: FieldProblem[] = [];
  for (const field of fields) {
    const column = columns.get(field.name);
    if (column === undefined) {
      if (field.required && field.default === undefined)
        problems.push({ path: field.name, message: 'is not a column', expected: field.type });
    } else if (fieldSql(field, column, table.isText) === null) {
      const message = `is ${column.type}, which cannot be a ${field.type}`;
      problems.push({ path: field.name, message, expected: field.type, got: column.type });
    }
  }
  for (const name of keep?.names ?? []) {
    if (!columns.has(name)) problems.push({ path: name, message: 'is not a column: it is to be kept' });
  }
  if (target === undefined || labels !== true) return problems;
  const label = columns.get(target);
  if (label === undefined) problems.push({ path: target, message: 'is not a column: it is the target' });
  else if (labelSql(label, table.isText) === null)
    problems.push({ path: target, message: `is ${label.type}: a target is a number or a boolean` });
  return problems;
}

function ofText(type: RawField['type'], raw: string): FieldSql {
  if (type === 'string' || type === 'datetime') return { value: raw, isText: true, isMisread: null, raw };
  const value = type === 'boolean' ? booleanSql(raw) : `TRY_CAST(${raw} AS DOUBLE)`;
  return { value, isText: false, isMisread: `${raw} IS NOT NULL AND ${value} IS NULL`, raw };
}

function booleanSql(raw: string): string {
  // Few are written in another case, and `lower` costs more than the rest.
  return `CASE WHEN ${raw} IN ('true', '1') THEN 1::DOUBLE WHEN ${raw} IN ('false', '0') THEN 0::DOUBLE WHEN lower(${raw}) = 'true' THEN 1::DOUBLE WHEN lower(${raw}) = 'false' THEN 0::DOUBLE END`;
}

function numberSql(raw: string, type: string): string | null {
  if (WHOLE.test(type) || FLOATING.test(type)) return `${raw}::DOUBLE`;
  // By its digits: the quotient of two doubles may be off by one in the last place.
  return DECIMAL.test(type) ? `${raw}::VARCHAR::DOUBLE` : null;
}

function instant(raw: string, type: string): string {
  return type === 'DATE' || type === 'TIMESTAMP_NS' ? `${raw}::TIMESTAMP` : raw;
}
