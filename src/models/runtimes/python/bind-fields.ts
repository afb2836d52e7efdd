import { AppError } from '../../../kernel/errors.ts';
import type { ElementType, Field, GraphTensors } from '../../signature.ts';
import type { DeclaredInput, DeclaredModel, DeclaredParam } from '../runtime.ts';
import { columnTypeOf } from './column-types.ts';
import type { WorkerFacts } from './workers/messages.ts';

/** The fields of a row, and how the worker gets them. */
export interface FieldBinding {
  /** Values of the row, in order; those that are columns of the run. */
  readonly columns: readonly Field[];
  /** Inference parameters. */
  readonly params: readonly Field[];
  readonly acceptsArray: boolean;
  readonly matrix: GraphTensors['matrix'];
  readonly declared?: 'columns' | 'tensors';
  /** 1 where the author fixed the batch axis to one row. */
  readonly maxRows: number;
}

type KnownInput = NonNullable<WorkerFacts['inputs']>[number];
type Columns = Omit<FieldBinding, 'params'>;

const MATRIX_NAME = 'input';
/**
 * Fields of what the worker says that the model takes: it has read what the author declares, and what lies beside the
 * model. Where it says nothing, of what is declared; a model that only counts its columns has `f0` … `f(k-1)`.
 */
export function bindFields(declared: DeclaredModel, facts: WorkerFacts): FieldBinding {
  const columns = columnsOf(declared.inputs ?? [], facts);
  const params = declared.params.map(paramField);
  const taken = new Set(columns.columns.map(({ name }) => name));
  const doubled = params.find(({ name }) => taken.has(name));
  if (doubled !== undefined) {
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `"${doubled.name}" is both a column and a parameter: give one of them another name`,
    );
  }
  return { ...columns, params };
}

function columnsOf(declared: readonly DeclaredInput[], { inputs, width, kind }: WorkerFacts): Columns {
  if (inputs !== null && inputs.length > 0) return fromWorker(inputs, declared);
  if (declared.length > 0) {
    return declared.every(({ shape }) => shape === null) ? fromColumns(declared) : fromTensors(declared);
  }
  if (width !== null) return matrixOf(MATRIX_NAME, 'float64', width, {});
  throw new AppError(
    'MODEL_UNSUPPORTED',
    `The model (${kind}) does not tell what it takes: save it with a signature (mlflow.models.infer_signature), or fit it on named columns`,
  );
}

function fromWorker(inputs: readonly KnownInput[], declared: readonly DeclaredInput[]): Columns {
  const place = new Map(declared.map(({ name }, i) => [name, i]));
  const isDeclared = inputs.length === declared.length && inputs.every(({ name }) => place.has(name));
  const columns = inputs.map(({ name, type, shape, required, nullable, categories }): Field => {
    const oneOf = categories === undefined ? {} : { oneOf: categories };
    return { name, ...typeOf(`input "${name}"`, type), shape, required, nullable, ...oneOf };
  });
  if (isDeclared) columns.sort((a, b) => (place.get(a.name) ?? 0) - (place.get(b.name) ?? 0));
  const areTensors = declared.length > 0 && declared.every(({ shape }) => shape !== null);
  return {
    columns,
    acceptsArray: acceptsArray(columns),
    matrix: null,
    ...(declared.length > 0 && { declared: areTensors ? 'tensors' : 'columns' }),
    maxRows: areTensors ? maxRowsOf(declared) : Number.POSITIVE_INFINITY,
  };
}

/** MLflow says of a column only that it may be absent; absent and null are one to it. */
function fromColumns(inputs: readonly DeclaredInput[]): Columns {
  const columns = inputs.map(({ name, type, required }, i): Field => {
    const called = name ?? `f${i}`;
    return { name: called, ...typeOf(`column "${called}"`, type), shape: [], required, nullable: !required };
  });
  return {
    columns,
    acceptsArray: acceptsArray(columns),
    matrix: null,
    declared: 'columns',
    maxRows: Number.POSITIVE_INFINITY,
  };
}

/** The one tensor of k numbers a row is a field for each; another is a field of its shape. */
function fromTensors(inputs: readonly DeclaredInput[]): Columns {
  const rest = { declared: 'tensors', maxRows: maxRowsOf(inputs) } as const;
  const [lone] = inputs;
  const [, width = -1, ...deeper] = lone?.shape ?? [];
  if (inputs.length === 1 && lone !== undefined && width > 0 && deeper.length === 0) {
    const name = lone.name ?? MATRIX_NAME;
    return matrixOf(name, typeOf(`tensor "${name}"`, lone.type).type, width, rest);
  }
  const columns = inputs.map(({ name, type, shape }, i): Field => {
    const called = name ?? (inputs.length === 1 ? MATRIX_NAME : `f${i}`);
    const own = typeOf(`tensor "${called}"`, type);
    return { name: called, ...own, shape: shape?.slice(1) ?? [], required: true, nullable: false };
  });
  return { columns, acceptsArray: acceptsArray(columns), matrix: null, ...rest };
}

function maxRowsOf(tensors: readonly DeclaredInput[]): number {
  const fixed = tensors.map(({ shape }) => shape?.[0] ?? -1).find((size) => size !== -1);
  if (fixed === undefined) return Number.POSITIVE_INFINITY;
  if (fixed === 1) return 1;
  throw new AppError(
    'MODEL_UNSUPPORTED',
    `A declared tensor fixes its first axis to ${fixed} rows: declare it with -1`,
  );
}

function matrixOf(
  name: string,
  type: ElementType,
  width: number,
  { declared, maxRows = Number.POSITIVE_INFINITY }: Partial<Pick<Columns, 'declared' | 'maxRows'>>,
): Columns {
  const columns = Array.from({ length: width }, (_, i): Field => {
    return { name: `f${i}`, type, shape: [], required: true, nullable: false };
  });
  return {
    columns,
    acceptsArray: true,
    matrix: { name, type },
    ...(declared !== undefined && { declared }),
    maxRows,
  };
}

function paramField({ name, type, default: value, shape }: DeclaredParam): Field {
  const { type: element, format } = typeOf(`parameter "${name}"`, type);
  return {
    name,
    type: element,
    ...(format === undefined ? {} : { format }),
    shape: shape === null ? [] : [-1],
    required: false,
    nullable: value === null,
    param: { default: value },
  };
}

function typeOf(what: string, type: string): Pick<Field, 'type' | 'format' | 'description'> {
  const known = columnTypeOf(type);
  if (known !== null) return known;
  throw new AppError(
    'MODEL_UNSUPPORTED',
    `The ${what} has the type "${type}", which a field of a row cannot have: give each value a column of its own`,
  );
}

/** A row that is a list of its numbers, or one array. */
function acceptsArray(fields: readonly Field[]): boolean {
  const [only] = fields;
  if (fields.length === 1 && only !== undefined && only.shape.length > 0) return true;
  return fields.every(({ type, shape }) => type !== 'string' && shape.length === 0);
}
