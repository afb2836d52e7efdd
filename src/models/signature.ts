import type { JsonValue } from '../kernel/json.ts';

/** Element types of model inputs and outputs, in ONNX's words. */
export const ELEMENT_TYPES = [
  'bool',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float16',
  'float32',
  'float64',
  'string',
] as const;
export type ElementType = (typeof ELEMENT_TYPES)[number];

/** One raw field that a caller sends. */
export interface Field {
  readonly name: string;
  readonly type: ElementType;
  /** Shape of one row's value: [] for a scalar; -1 for a dimension of any length. */
  readonly shape: readonly number[];
  /** A field that is not required may be left out; then it is missing. */
  readonly required: boolean;
  /** Whether the model takes a missing value (`null`, fed as NaN). */
  readonly nullable: boolean;
  /** Bounds of a number, inclusive. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** The only texts that are taken. */
  readonly oneOf?: readonly string[];
  /** What a text must be: a time as `parseTime` reads it. */
  readonly format?: 'date-time';
  /** For the people who read the documentation. */
  readonly unit?: string;
  readonly description?: string;
  /** An inference parameter rather than a value of the row, and what it is where it is left out. */
  readonly param?: { readonly default: JsonValue };
}

export type Label = string | number | boolean;

/** What one row's answer is made of. */
export type OutputSpec =
  | {
      readonly task: 'classification';
      /** Class labels in the order of the probabilities; null when the graph does not tell them. */
      readonly labels: readonly Label[] | null;
      readonly hasProbabilities: boolean;
      /** The class whose probability `probability` is, for a binary model; null when there is none. */
      readonly positive: Label | null;
    }
  | { readonly task: 'regression' }
  /** The prediction is a text, as a translation is. */
  | { readonly task: 'text' }
  | { readonly task: 'generic'; readonly outputs: readonly OutputField[] };

export interface OutputField {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** What of an answer an output tensor holds. */
export type TensorPart =
  | { readonly is: 'prediction' }
  /** All probabilities, in the order of the labels. */
  | { readonly is: 'probabilities' }
  /** The probability of one class. */
  | { readonly is: 'probability'; readonly place: number }
  /** The member of that name of a prediction that is an object. */
  | { readonly is: 'member' };

/** An output of the graph. `shape` is that of one row: [] where the tensor has no axis but the rows. */
export interface OutputTensorSpec extends OutputField {
  readonly holds: TensorPart;
  /** Where the graph itself ends in a map of label to probability (ZipMap): the name of that output, which this tensor feeds. */
  readonly mapName?: string;
}

/** What dialects of tensors call things: names and types of the graph itself. */
export interface GraphTensors {
  /** The one input that takes all fields side by side, where the model is such a matrix and its fields are sent as they are. */
  readonly matrix: { readonly name: string; readonly type: ElementType } | null;
  /** How the author describes a row: as named columns of a table, or as tensors; absent where nobody does. */
  readonly declared?: 'columns' | 'tensors';
  readonly outputs: readonly OutputTensorSpec[];
  /** How MLflow's own server puts the answers: `list` where the model's `predict` makes one value a row, and no tensors. */
  readonly answers?: 'list';
}

export interface Signature {
  readonly fields: readonly Field[];
  /** True for a bare matrix model: a row may also be sent as an array of all its fields in order. */
  readonly acceptsArray: boolean;
  readonly output: OutputSpec;
  readonly tensors: GraphTensors;
}

const INTEGER_BOUNDS: Partial<Record<ElementType, readonly [number, number]>> = {
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint8: [0, 255],
  uint16: [0, 65_535],
  uint32: [0, 4_294_967_295],
  uint64: [0, Number.MAX_SAFE_INTEGER],
};

const FLOAT_MAXIMUM: Partial<Record<ElementType, number>> = {
  float16: 65_504,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
};

/** Inclusive bounds of the integers that the type holds and JSON carries exactly; null for other types. */
export function integerBounds(type: ElementType): readonly [number, number] | null {
  return INTEGER_BOUNDS[type] ?? null;
}

/** Largest finite magnitude of a floating-point type; null for other types. */
export function floatMaximum(type: ElementType): number | null {
  return FLOAT_MAXIMUM[type] ?? null;
}

/** How messages and pages name what a field takes. */
export function describeField(field: Field): string {
  const scalar = describeType(field.type);
  const shaped =
    field.shape.length === 0
      ? scalar
      : `array [${field.shape.map((n) => (n === -1 ? 'n' : n)).join(' x ')}] of ${scalar}`;
  return field.nullable ? `${shaped} or null` : shaped;
}

/** What a field that has bounds, categories or a format takes beside its type; null when it has none. */
export function describeRule({ minimum, maximum, oneOf, format }: Field): string | null {
  if (format === 'date-time') return 'a date or time as 2026-03-01T10:00:00Z';
  if (oneOf !== undefined) {
    const shown = oneOf.slice(0, SHOWN_CATEGORIES).join(', ');
    return `one of ${shown}${oneOf.length > SHOWN_CATEGORIES ? `, and ${oneOf.length - SHOWN_CATEGORIES} more` : ''}`;
  }
  if (minimum !== undefined && maximum !== undefined) return `from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `at least ${minimum}`;
  return maximum === undefined ? null : `at most ${maximum}`;
}

const SHOWN_CATEGORIES = 20;

function describeType(type: ElementType): string {
  if (type === 'bool') return 'boolean';
  if (type === 'string') return 'string';
  return integerBounds(type) === null ? `number (${type})` : `integer (${type})`;
}
