import { AppError } from '../../../kernel/errors.ts';
import {
  type ElementType,
  type Field,
  floatMaximum,
  type GraphTensors,
  integerBounds,
} from '../../signature.ts';
import { COLUMN_TYPES } from '../column-types.ts';
import type { DeclaredInput } from '../runtime.ts';

/** An input or output as the session describes it; a dimension is a size, or a name when it is free. */
export interface TensorPort {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

/** How one input tensor is filled from fields. */
export interface TensorPlan {
  readonly name: string;
  readonly type: ElementType;
  /** Shape of one row inside the tensor; -1 for a free dimension. */
  readonly rowShape: readonly number[];
  /** Scalar fields side by side, or the one field whose value has the row's shape. */
  readonly fields: readonly string[];
}

export interface InputBinding {
  readonly fields: readonly Field[];
  readonly tensors: readonly TensorPlan[];
  readonly acceptsArray: boolean;
  /** The lone tensor that takes all fields side by side. */
  readonly matrix: GraphTensors['matrix'];
  /** 1 when the graph fixes its batch axis to one row. */
  readonly maxRows: number;
}

/**
 * Decides which field feeds which tensor. Without declared inputs: a one-column tensor is a field of its own name,
 * a lone matrix of k columns is `f0` … `f(k-1)`, anything else is a field that takes an array. Declared columns must
 * be the inputs by name, or the columns of a lone matrix in order.
 */
export function bindInputs(
  inputs: readonly TensorPort[],
  declared: readonly DeclaredInput[] | null,
  handlesMissing: boolean,
): InputBinding {
  const rows = inputs.map((input) => ({ input, rowShape: rowShapeOf(input) }));
  const maxRows = inputs.some((input) => input.shape[0] === 1) ? 1 : Number.POSITIVE_INFINITY;
  const columns = declared?.filter((input) => input.shape === null) ?? [];
  if (declared !== null) checkTensors(inputs, declared);
  const lone = rows.length === 1 ? rows[0] : undefined;
  const matrixWidth = lone?.rowShape.length === 1 ? (lone.rowShape[0] ?? -1) : -1;
  if (lone !== undefined && matrixWidth > 0 && !isColumnOf(lone.input, columns)) {
    const bound = matrixColumns(lone.input, matrixWidth, columns, handlesMissing);
    const { name, type } = lone.input;
    return {
      fields: bound,
      tensors: [plan(lone.input, lone.rowShape, bound)],
      acceptsArray: true,
      matrix: { name, type },
      maxRows,
    };
  }
  const fields = rows.map(({ input, rowShape }) =>
    tensorField(
      input,
      rowShape,
      columns.length > 0 ? columnOf(input, columns, inputs) : null,
      handlesMissing,
    ),
  );
  return {
    fields: inDeclaredOrder(fields, columns),
    tensors: rows.map(({ input, rowShape }, i) => plan(input, rowShape, [fields[i] as Field])),
    acceptsArray: rows.length === 1,
    matrix: null,
    maxRows,
  };
}

function rowShapeOf(input: TensorPort): readonly number[] {
  const [batch, ...rest] = input.shape;
  if (batch === undefined) {
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `Input "${input.name}" is a scalar: export the model with a batch axis first, as in [batch, …]`,
    );
  }
  if (typeof batch === 'number' && batch !== 1) {
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `Input "${input.name}" fixes its first axis to ${batch} rows: export the model with a free batch axis (torch.onnx.export: dynamic_axes; skl2onnx: shape [None, …])`,
    );
  }
  return rest.map((size) => (typeof size === 'number' ? size : -1));
}

function isColumnOf(input: TensorPort, columns: readonly DeclaredInput[]): boolean {
  const oneColumn = input.shape.length === 2 && input.shape[1] === 1;
  return oneColumn && (columns.length === 0 || columns.some((column) => column.name === input.name));
}

function matrixColumns(
  input: TensorPort,
  width: number,
  columns: readonly DeclaredInput[],
  handlesMissing: boolean,
): readonly Field[] {
  if (columns.length === 0) {
    return Array.from({ length: width }, (_, i) => field(`f${i}`, input.type, [], handlesMissing));
  }
  if (columns.length !== width) {
    throw mismatch(`it declares ${columns.length} columns, the graph's input "${input.name}" has ${width}`);
  }
  return columns.map((column, i) => columnField(column.name ?? `f${i}`, input, column));
}

function tensorField(
  input: TensorPort,
  rowShape: readonly number[],
  column: DeclaredInput | null,
  handlesMissing: boolean,
): Field {
  const isScalar = rowShape.every((size) => size === 1);
  if (column === null) return field(input.name, input.type, isScalar ? [] : rowShape, handlesMissing);
  if (!isScalar)
    throw mismatch(
      `column "${input.name}" is declared a scalar, the graph takes [${rowShape.join(', ')}] a row`,
    );
  return columnField(input.name, input, column);
}

function field(name: string, type: ElementType, shape: readonly number[], handlesMissing: boolean): Field {
  return { name, type, shape, required: true, nullable: handlesMissing && floatMaximum(type) !== null };
}

/** MLflow says of a column only that it may be absent; absent and null are one to it. */
function columnField(name: string, input: TensorPort, column: DeclaredInput): Field {
  const type = columnType(name, input.type, column.type);
  const canMiss = !column.required && (floatMaximum(input.type) !== null || type === 'string');
  return { name, type, shape: [], required: !canMiss, nullable: canMiss };
}

function columnType(name: string, tensor: ElementType, declared: string): ElementType {
  const type = COLUMN_TYPES[declared];
  if (type === undefined)
    throw mismatch(`column "${name}" has the type "${declared}", which a graph input cannot take`);
  const bothFloat = floatMaximum(type) !== null && floatMaximum(tensor) !== null;
  if (bothFloat) return (floatMaximum(type) ?? 0) < (floatMaximum(tensor) ?? 0) ? type : tensor;
  const isWhole = integerBounds(type) !== null || type === 'bool';
  const bothWhole = integerBounds(type) !== null && integerBounds(tensor) !== null;
  if (bothWhole) return (integerBounds(type)?.[1] ?? 0) < (integerBounds(tensor)?.[1] ?? 0) ? type : tensor;
  if (type === tensor || (isWhole && floatMaximum(tensor) !== null)) return type;
  throw mismatch(`column "${name}" is declared ${declared}, the graph takes ${tensor}`);
}

function columnOf(
  input: TensorPort,
  columns: readonly DeclaredInput[],
  inputs: readonly TensorPort[],
): DeclaredInput {
  const column = columns.find((candidate) => candidate.name === input.name);
  if (column !== undefined && columns.length === inputs.length) return column;
  const names = (ports: readonly { name: string | null }[]): string =>
    ports.map((port) => port.name).join(', ');
  throw mismatch(`it declares ${names(columns)}; the graph takes ${names(inputs)}`);
}

function checkTensors(inputs: readonly TensorPort[], declared: readonly DeclaredInput[]): void {
  const tensors = declared.filter((input) => input.shape !== null);
  if (tensors.length === 0) return;
  if (tensors.length !== inputs.length)
    throw mismatch(`it declares ${tensors.length} tensors, the graph takes ${inputs.length}`);
  for (const tensor of tensors) {
    const input =
      tensor.name === null ? inputs[0] : inputs.find((candidate) => candidate.name === tensor.name);
    if (input === undefined) throw mismatch(`tensor "${tensor.name}" is not an input of the graph`);
    const fits =
      tensor.shape?.length === input.shape.length &&
      tensor.shape.every(
        (size, axis) => size === -1 || typeof input.shape[axis] === 'string' || size === input.shape[axis],
      );
    if (!fits)
      throw mismatch(
        `tensor "${input.name}" has the shape [${tensor.shape}], the graph takes [${input.shape}]`,
      );
  }
}

function inDeclaredOrder(fields: readonly Field[], columns: readonly DeclaredInput[]): readonly Field[] {
  if (columns.length === 0) return fields;
  const place = new Map(columns.map((column, i) => [column.name, i]));
  return [...fields].sort((a, b) => (place.get(a.name) ?? 0) - (place.get(b.name) ?? 0));
}

function plan(input: TensorPort, rowShape: readonly number[], fields: readonly Field[]): TensorPlan {
  return { name: input.name, type: input.type, rowShape, fields: fields.map((each) => each.name) };
}

function mismatch(reason: string): AppError {
  return new AppError('SIGNATURE_MISMATCH', `The declared signature does not fit the graph: ${reason}`);
}
