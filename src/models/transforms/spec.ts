import { z } from 'zod';
import { AppError, type FieldProblem, summaryOf } from '../../kernel/errors.ts';
import type { AnyOperation, Kind } from './operation.ts';
import { OPERATIONS, operationNamed } from './operations.ts';

/** Moves when a document of the old form would mean something else. */
export const TRANSFORM_SCHEMA = 'slipway.transform/1';

const name = z.string().min(1).max(256);

export const rawFieldSchema = z
  .strictObject({
    name,
    type: z.enum(['number', 'integer', 'boolean', 'string', 'datetime']),
    unit: z.string().optional(),
    description: z.string().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    required: z.boolean().default(true).describe('false: the field may be left out or null'),
    default: z
      .union([z.number(), z.boolean(), z.string()])
      .optional()
      .describe('stands in for a missing value'),
  })
  .describe('A field as the caller sends it');
export type RawField = z.infer<typeof rawFieldSchema>;

const stepSchema = z.looseObject({ op: z.string() });

const documentSchema = z.strictObject({
  schema: z.literal(TRANSFORM_SCHEMA),
  target: name.optional().describe('column of the label in training data, for target encoding'),
  fields: z.array(rawFieldSchema).min(1).max(10_000),
  outputs: z
    .array(
      z.strictObject({
        name,
        from: z.union([name, z.array(name).min(1).max(2)]),
        steps: z.array(stepSchema).default([]),
        missing: z.literal('nan').optional().describe('hand a missing value to the model as NaN'),
      }),
    )
    .min(1)
    .max(10_000),
});

/** What an author writes, with what was learnt in `fitted` of each step once it is fitted. */
export type TransformDocument = z.input<typeof documentSchema>;

export interface Step {
  readonly operation: AnyOperation;
  readonly options: Readonly<Record<string, unknown>>;
  /** Undefined until it is fitted; null for an operation that learns nothing. */
  readonly fitted: unknown;
}

export interface Output {
  readonly name: string;
  /** Indexes into the fields. */
  readonly from: readonly number[];
  readonly steps: readonly Step[];
  readonly missing: 'nan' | undefined;
}

/** A document that was read and found whole; `fitted` of a step may still be open. */
export interface TransformSpec {
  readonly target: string | undefined;
  readonly fields: readonly RawField[];
  readonly outputs: readonly Output[];
}

/** Reads a document; TRANSFORM_INVALID lists everything that is wrong with it. */
export function parseTransform(document: unknown): TransformSpec {
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) throw invalid(parsed.error.issues.map(problemOf));
  const problems: FieldProblem[] = [];
  const { fields, target } = parsed.data;
  repeated(fields, 'fields', problems);
  repeated(parsed.data.outputs, 'outputs', problems);
  for (const [i, field] of fields.entries()) checkDefault(field, `fields[${i}].default`, problems);
  const places = new Map(fields.map((field, i) => [field.name, i]));
  const outputs = parsed.data.outputs.map((output, i): Output => {
    const path = `outputs[${i}]`;
    const from = (Array.isArray(output.from) ? output.from : [output.from]).map((source) => {
      const place = places.get(source);
      if (place === undefined) problems.push({ path: `${path}.from`, message: `"${source}" is not a field` });
      return place ?? -1;
    });
    const steps = output.steps.flatMap((step, s) => readStep(step, `${path}.steps[${s}]`, problems) ?? []);
    const read = { name: output.name, from, steps, missing: output.missing };
    if (steps.length === output.steps.length && !from.includes(-1)) checkChain(read, fields, path, problems);
    return read;
  });
  if (problems.length > 0) throw invalid(problems);
  return { target, fields, outputs };
}

/** The document of a spec, as `parseTransform` reads it. */
export function documentOf(spec: TransformSpec): TransformDocument {
  return {
    schema: TRANSFORM_SCHEMA,
    ...(spec.target !== undefined && { target: spec.target }),
    fields: [...spec.fields],
    outputs: spec.outputs.map((output) => {
      const from = output.from.map((place) => (spec.fields[place] as RawField).name);
      return {
        name: output.name,
        from: from.length === 1 ? (from[0] as string) : from,
        steps: output.steps.map(({ operation, options, fitted }) => ({
          op: operation.name,
          ...options,
          ...(fitted !== null && fitted !== undefined && { fitted }),
        })),
        ...(output.missing !== undefined && { missing: output.missing }),
      };
    }),
  };
}

/** What of a field flows into a chain. */
export function kindOf({ type }: RawField): Exclude<Kind, 'vector'> {
  if (type === 'string') return 'text';
  return type === 'datetime' ? 'time' : 'number';
}

export function mayBeMissing(field: RawField): boolean {
  return !field.required && field.default === undefined;
}

function readStep(
  { op, fitted, ...options }: z.infer<typeof stepSchema>,
  path: string,
  problems: FieldProblem[],
): Step | null {
  const operation = operationNamed(op);
  if (operation === undefined) {
    const names = OPERATIONS.map((known) => known.name).join(', ');
    problems.push({ path: `${path}.op`, message: `"${op}" is not an operation; there are ${names}` });
    return null;
  }
  const read = operation.options.safeParse(options);
  if (!read.success) {
    for (const issue of read.error.issues) problems.push(under(path, problemOf(issue)));
    return null;
  }
  if (operation.fitted === null) {
    if (fitted !== undefined) problems.push({ path: `${path}.fitted`, message: `${op} learns nothing` });
    return { operation, options: read.data, fitted: null };
  }
  if (fitted === undefined) return { operation, options: read.data, fitted };
  const learnt = operation.fitted.safeParse(fitted);
  if (learnt.success) return { operation, options: read.data, fitted: learnt.data };
  for (const issue of learnt.error.issues) problems.push(under(`${path}.fitted`, problemOf(issue)));
  return null;
}

/** Follows kinds and missing values through a chain. */
function checkChain(
  { from, steps, missing }: Output,
  fields: readonly RawField[],
  path: string,
  problems: FieldProblem[],
): void {
  const sources = from.map((place) => fields[place] as RawField);
  let kinds: readonly Kind[] = sources.map(kindOf);
  let absent = sources.some(mayBeMissing);
  let least = sources.length === 1 ? leastOf(sources[0] as RawField) : Number.NEGATIVE_INFINITY;
  for (const [s, { operation, options }] of steps.entries()) {
    const here = `${path}.steps[${s}]`;
    const { takes } = operation;
    if (takes.length !== kinds.length) {
      const message = `${operation.name} takes ${takes.length === 2 ? 'two values' : 'one value'}, here are ${kinds.length}`;
      problems.push({ path: here, message });
      return;
    }
    const wrong = kinds.findIndex((kind, i) => !takes[i]?.includes(kind));
    if (wrong !== -1) {
      const expected = takes[wrong]?.join(' or ') ?? '';
      problems.push({
        path: here,
        message: `${operation.name} takes a ${expected}`,
        got: kinds[wrong] as string,
      });
      return;
    }
    if (s > 0 && options['unknown'] === 'error') {
      const message =
        'only a field itself can be refused for an unknown category: say unknown: other or zeros';
      problems.push({ path: here, message });
    }
    const rule = operation.missing(options);
    absent = rule === 'made' || (rule === 'kept' && (absent || operation.mayLose?.(options, least) === true));
    least = operation.leastOf?.(options, least) ?? Number.NEGATIVE_INFINITY;
    kinds = [operation.gives];
  }
  const [kind] = kinds;
  if (kinds.length !== 1)
    problems.push({ path, message: 'two fields need a step that makes one value of them' });
  else if (kind !== 'number' && kind !== 'vector') {
    problems.push({
      path,
      message: `ends as a ${kind}; a model takes numbers: add an encoding`,
      got: kind as string,
    });
  }
  if (absent && missing === undefined) {
    problems.push({
      path,
      message: 'may be missing, and nothing says what then: add impute, a missing rule, or missing: nan',
    });
  }
}

function leastOf({ minimum = Number.NEGATIVE_INFINITY, default: given }: RawField): number {
  return typeof given === 'number' ? Math.min(minimum, given) : minimum;
}

function checkDefault(field: RawField, path: string, problems: FieldProblem[]): void {
  if (field.default === undefined) return;
  const expected = { number: 'number', text: 'string', time: 'string' }[kindOf(field)];
  const type = field.type === 'boolean' ? 'boolean' : expected;
  if (typeof field.default !== type) {
    problems.push({ path, message: `must be a ${type}, as the field is`, got: typeof field.default });
  }
}

function repeated(named: readonly { readonly name: string }[], path: string, problems: FieldProblem[]): void {
  const seen = new Set<string>();
  for (const [i, each] of named.entries()) {
    if (seen.has(each.name))
      problems.push({ path: `${path}[${i}].name`, message: `"${each.name}" is there twice` });
    seen.add(each.name);
  }
}

function problemOf({ path, message }: z.core.$ZodIssue): FieldProblem {
  return { path: z.core.toDotPath(path), message };
}

function under(path: string, problem: FieldProblem): FieldProblem {
  return { ...problem, path: problem.path === '' ? path : `${path}.${problem.path}` };
}

function invalid(problems: readonly FieldProblem[]): AppError {
  return new AppError('TRANSFORM_INVALID', summaryOf(problems, 'The transform'), { problems });
}
