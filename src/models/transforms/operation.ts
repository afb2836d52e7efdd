import { z } from 'zod';

/**
 * What flows between steps. A missing number or time is NaN, a missing text is null; a time is Unix milliseconds; a
 * vector is several columns and ends its chain.
 */
export type Kind = 'number' | 'text' | 'time' | 'vector';

export type Scalar = number | string | null;

/** Writes a vector's columns at `at`. */
export type WriteVector = (value: Scalar, out: Float32Array, at: number) => void;

export type Compiled =
  | { readonly arity: 1; readonly run: (value: never) => Scalar }
  | { readonly arity: 2; readonly run: (first: never, second: never) => Scalar }
  | { readonly arity: 'vector'; readonly suffixes: readonly string[]; readonly write: WriteVector };

/** Takes training values one by one; a value may be missing. `target` is the label of the row, NaN where there is none. */
export interface Fitter<Fitted> {
  add(value: Scalar, target: number): void;
  /** What was learnt, or null when the values have to be shown once more. */
  finish(): Fitted | null;
}

/** What a step does with a missing value: hands it on, or gives something else for it; `made`: it makes ones itself. */
export type MissingRule = 'kept' | 'handled' | 'made';

/**
 * One operation of the language: everything that is known of it, documentation included. `Options` is what an author
 * writes, `Fitted` what training data adds (`null` for an operation that learns nothing).
 */
export interface Operation<Options = never, Fitted = never> {
  readonly name: string;
  /** For the reference page: what it does in a sentence, and the formula with x for the value. */
  readonly summary: string;
  readonly formula: string;
  /** Kinds of the inputs; two of them for an operation on a pair of fields. */
  readonly takes: readonly (readonly Kind[])[];
  readonly gives: Kind;
  readonly options: z.ZodType<Options> & { readonly shape: z.ZodRawShape };
  readonly fitted: z.ZodType<Fitted> | null;
  missing(options: Options): MissingRule;
  /** Whether it may give a missing value for one that is not, as a logarithm of -2; `least` is the least that comes in. */
  mayLose?(options: Options, least: number): boolean;
  /** The least number that it gives where `least` is the least that comes in. Without this it may be any. */
  leastOf?(options: Options, least: number): number;
  /** The categories that are the only ones allowed, where a value outside them is to be refused. */
  allowed?(options: Options, fitted: Fitted): readonly string[] | null;
  fit?(options: Options): Fitter<Fitted>;
  compile(options: Options, fitted: Fitted): Compiled;
}

/** For an operation with nothing to choose. */
export const NO_OPTIONS = z.strictObject({});

/** Keeps the types of one definition together while it is written. */
export function operation<Options, Fitted = null>(definition: Operation<Options, Fitted>): AnyOperation {
  return definition as unknown as AnyOperation;
}

/** Any operation, once its options and what it learnt were parsed by its own schemas. */
export type AnyOperation = Operation<Readonly<Record<string, unknown>>, unknown>;
