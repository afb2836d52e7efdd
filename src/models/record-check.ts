import type { FieldProblem } from '../kernel/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, jsonTypeOf } from '../kernel/json.ts';
import {
  describeField,
  describeRule,
  type ElementType,
  type Field,
  floatMaximum,
  integerBounds,
  type Signature,
} from './signature.ts';
import { parseTime } from './transforms/parse-time.ts';

/** One row as it came, checked: every field is present with a value of its type, or missing where it may be. */
export type InputRecord = JsonObject;

/** Checks rows against one signature; made once per model version. */
export interface RecordCheck {
  /** True when the row fits. The quick path: no allocation, stops at the first fault. */
  fits(row: unknown): row is InputRecord;
  /**
   * All faults of a row that does not fit, one per field and bounded: unknown names are cut to 64 characters and
   * at most 5 of them are named. `prefix` stands before each path (`instances[3].`).
   */
  problems(row: unknown, prefix?: string): readonly FieldProblem[];
}

const NAMED_UNKNOWN_FIELDS = 5;
const NAME_LENGTH = 64;
const MAX_PROBLEMS = 100;

type ScalarTest = (value: unknown) => boolean;

export function compileRecordCheck(signature: Pick<Signature, 'fields'>): RecordCheck {
  const names = signature.fields.map((field) => field.name);
  const tests = signature.fields.map(compileField);
  const optional = signature.fields.map((field) => !field.required);
  const known = new Set(names);
  const count = names.length;

  function fits(row: unknown): row is InputRecord {
    if (!isJsonObject(row)) return false;
    let present = 0;
    for (let i = 0; i < count; i++) {
      const name = names[i] as string;
      const value = row[name];
      if ((tests[i] as ScalarTest)(value)) present++;
      else if (optional[i] !== true || Object.hasOwn(row, name)) return false;
    }
    return countKeys(row) === present;
  }

  function problems(row: unknown, prefix = ''): readonly FieldProblem[] {
    if (!isJsonObject(row)) {
      return [
        {
          path: prefix.replace(/\.$/, ''),
          message: 'must be an object of fields',
          expected: 'object',
          got: jsonTypeOf(row),
        },
      ];
    }
    const found: FieldProblem[] = [];
    for (let i = 0; i < count; i++) {
      const problem = problemOf(signature.fields[i] as Field, tests[i] as ScalarTest, row, prefix);
      if (problem !== null) found.push(problem);
    }
    return bounded([...found, ...unknownFields(row, known, prefix)]);
  }

  return { fits, problems };
}

function problemOf(field: Field, test: ScalarTest, row: JsonObject, prefix: string): FieldProblem | null {
  const path = prefix + field.name;
  const expected = describeField(field);
  if (!Object.hasOwn(row, field.name)) {
    return field.required ? { path, message: 'is missing', expected, got: 'nothing' } : null;
  }
  const value = row[field.name];
  return test(value) ? null : { path, message: reasonOf(field, value), expected, got: jsonTypeOf(value) };
}

function reasonOf(field: Field, value: JsonValue | undefined): string {
  if (field.shape.length > 0) return 'must be an array of the right shape and type';
  if (scalarTest(field.type)(value)) return `must be ${describeRule(field)}`;
  if (typeof value !== 'number' || field.type === 'string' || field.type === 'bool')
    return 'has the wrong type';
  if (!Number.isFinite(value)) return 'is not a finite number';
  const bounds = integerBounds(field.type);
  if (bounds !== null && !Number.isInteger(value)) return 'must be a whole number';
  return `is out of range for ${field.type}`;
}

function unknownFields(row: JsonObject, known: ReadonlySet<string>, prefix: string): readonly FieldProblem[] {
  const named: FieldProblem[] = [];
  let unnamed = 0;
  for (const name of Object.keys(row)) {
    if (known.has(name)) continue;
    if (named.length < NAMED_UNKNOWN_FIELDS) {
      named.push({
        path: prefix + name.slice(0, NAME_LENGTH),
        message: 'is not a field of this model',
        got: jsonTypeOf(row[name]),
      });
    } else unnamed++;
  }
  if (unnamed > 0)
    named.push({ path: prefix, message: `and ${unnamed} more fields that this model does not have` });
  return named;
}

function bounded(problems: readonly FieldProblem[]): readonly FieldProblem[] {
  if (problems.length <= MAX_PROBLEMS) return problems;
  const rest = problems.length - MAX_PROBLEMS;
  return [...problems.slice(0, MAX_PROBLEMS), { path: '', message: `and ${rest} more problems` }];
}

function countKeys(row: JsonObject): number {
  let keys = 0;
  for (const _ in row) keys++;
  return keys;
}

/** Whether a value that is there (null, where it is missing) is one that the field takes. */
export function compileField(field: Field): (value: unknown) => boolean {
  const scalar = compileScalar(field);
  return field.shape.length === 0 ? scalar : compileArray(field.shape, scalar);
}

function compileArray(shape: readonly number[], scalar: ScalarTest): ScalarTest {
  const [size = -1, ...inner] = shape;
  const element = inner.length === 0 ? scalar : compileArray(inner, scalar);
  const ragged = inner.includes(-1);
  return (value) => {
    if (!Array.isArray(value) || (size !== -1 && value.length !== size)) return false;
    if (ragged && value.some((item) => !sameShape(item, value[0]))) return false;
    return value.every(element);
  };
}

function sameShape(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Array.isArray(a) === Array.isArray(b);
  return a.length === b.length && a.every((item) => sameShape(item, b[0]));
}

function compileScalar(field: Field): ScalarTest {
  const type = scalarTest(field.type);
  const rule = ruleTest(field);
  const test: ScalarTest = rule === null ? type : (value) => type(value) && rule(value);
  return field.nullable ? (value) => value === null || test(value) : test;
}

/** What a value of the right type must hold beside it. */
function ruleTest({ minimum, maximum, oneOf, format }: Field): ScalarTest | null {
  if (format === 'date-time') return (value) => !Number.isNaN(parseTime(value as string));
  if (oneOf !== undefined) {
    const texts: ReadonlySet<unknown> = new Set(oneOf);
    return (value) => texts.has(value);
  }
  if (minimum === undefined && maximum === undefined) return null;
  const least = minimum ?? Number.NEGATIVE_INFINITY;
  const most = maximum ?? Number.POSITIVE_INFINITY;
  return (value) => (value as number) >= least && (value as number) <= most;
}

function scalarTest(type: ElementType): ScalarTest {
  if (type === 'string') return (value) => typeof value === 'string';
  if (type === 'bool') return (value) => typeof value === 'boolean';
  const bounds = integerBounds(type);
  if (bounds !== null) {
    const [least, most] = bounds;
    return (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
  }
  const most = floatMaximum(type) ?? Number.MAX_VALUE;
  return (value) => typeof value === 'number' && value >= -most && value <= most;
}
