import { AppError } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { FieldColumn } from './column-batch.ts';
import type { Compiled, Scalar } from './operation.ts';
import { type Place, RecordReader } from './record-reader.ts';
import type { Output, RawField, Step, TransformSpec } from './spec.ts';

/** A fitted transform as functions; made once per model version. Rows must have passed the check of its fields. */
export interface CompiledTransform {
  /** Names of the columns that it makes, in their order. */
  readonly columns: readonly string[];
  /** Which output makes a column and by what, as "one_hot of brand". */
  originOf(column: number): string;
  /** Holds the row that `write` makes a vector of. */
  readonly reader: RecordReader;
  write(out: Float32Array, at: number): void;
  /** Writes the vector of one row at `at`. */
  encode(row: JsonObject, out: Float32Array, at: number): void;
  /** Writes the vectors of `count` rows, row by row; columns in the order of the fields, null for one that is not there. */
  encodeColumns(columns: readonly (FieldColumn | null)[], count: number, out: Float32Array): void;
}

/** TRANSFORM_INVALID when a step was not fitted, or two columns have one name. */
export function compileTransform(spec: TransformSpec): CompiledTransform {
  const reader = new RecordReader(spec.fields);
  const writers = spec.outputs.map((output) => compileOutput(output, reader));
  const columns = writers.flatMap((writer) => writer.columns);
  requireDistinct(columns);
  const width = columns.length;
  const plan: (readonly [(out: Float32Array, at: number) => void, number])[] = [];
  let offset = 0;
  for (const { write, columns: own } of writers) {
    plan.push([write, offset]);
    offset += own.length;
  }

  function write(out: Float32Array, at: number): void {
    for (let i = 0; i < plan.length; i++) {
      const [writeOne, from] = plan[i] as (typeof plan)[number];
      writeOne(out, at + from);
    }
  }

  return {
    columns,
    originOf(column) {
      const last = plan.findLastIndex(([, from]) => from <= column);
      return describeOutput(spec.outputs[last] as Output, spec.fields);
    },
    reader,
    write,
    encode(row, out, at) {
      reader.read(row);
      write(out, at);
    },
    encodeColumns(given, count, out) {
      // Output by output: the same few functions row after row take a third less than all of them for each row.
      for (const [o, [writeOne, from]] of plan.entries()) {
        const sources = (spec.outputs[o] as Output).from;
        reader.openColumns(given, sources);
        for (let row = 0, at = from; row < count; row++, at += width) {
          reader.readRow(row);
          writeOne(out, at);
        }
      }
    },
  };
}

function describeOutput({ steps, from }: Output, fields: readonly RawField[]): string {
  const names = from.map((place) => (fields[place] as RawField).name).join(' and ');
  const operations = steps.map(({ operation }) => operation.name).join(', ');
  return operations === '' ? `${names} as it is` : `${operations} of ${names}`;
}

interface Writer {
  readonly columns: readonly string[];
  write(out: Float32Array, at: number): void;
}

function compileOutput(output: Output, reader: RecordReader): Writer {
  const { name, steps } = output;
  const last = steps.length === 0 ? null : compileStep(steps[steps.length - 1] as Step, output);
  if (last?.arity !== 'vector') {
    const value = compileChain(output, reader, steps.length) as () => number;
    return {
      columns: [name],
      write(out, at) {
        out[at] = value();
      },
    };
  }
  const value = compileChain(output, reader, steps.length - 1);
  const { suffixes, write } = last;
  return {
    columns: suffixes.map((suffix) => `${name}_${suffix}`),
    write: (out, at) => write(value(), out, at),
  };
}

/** The value after the first `count` steps of an output, of the row that the reader read last. */
export function compileChain(output: Output, reader: RecordReader, count: number): () => Scalar {
  const sources = output.from.map((place) => sourceOf(reader.places[place] as Place, reader));
  let value = sources[0] as () => Scalar;
  for (const step of output.steps.slice(0, count)) {
    const compiled = compileStep(step, output);
    if (compiled.arity === 'vector')
      throw new AppError('TRANSFORM_INVALID', `${output.name}: a vector ends its chain`);
    if (compiled.arity === 2) {
      const [first, second] = sources as [() => Scalar, () => Scalar];
      const run = compiled.run as (a: Scalar, b: Scalar) => Scalar;
      value = () => run(first(), second());
    } else {
      const run = compiled.run as (x: Scalar) => Scalar;
      const before = value;
      value = () => run(before());
    }
  }
  return value;
}

function sourceOf({ kind, index }: Place, { numbers, texts }: RecordReader): () => Scalar {
  return kind === 'text' ? () => texts[index] as string | null : () => numbers[index] as number;
}

function compileStep({ operation, options, fitted }: Step, output: Output): Compiled {
  if (fitted === undefined) {
    throw new AppError(
      'TRANSFORM_INVALID',
      `${output.name}: ${operation.name} is not fitted yet: run \`slipway transform fit\` on the training data`,
    );
  }
  return operation.compile(options, fitted);
}

function requireDistinct(columns: readonly string[]): void {
  const seen = new Set<string>();
  for (const column of columns) {
    if (seen.has(column)) {
      throw new AppError(
        'TRANSFORM_INVALID',
        `Two columns would be called "${column}": rename one of their outputs`,
      );
    }
    seen.add(column);
  }
}

/** The raw fields whose unknown categories are refused, with the categories that they may have. */
export function allowedCategories(spec: TransformSpec): ReadonlyMap<string, readonly string[]> {
  const allowed = new Map<string, readonly string[]>();
  for (const { from, steps } of spec.outputs) {
    const [first] = steps;
    if (first?.operation.allowed === undefined || first.fitted === undefined) continue;
    const categories = first.operation.allowed(first.options, first.fitted);
    if (categories === null) continue;
    const field = spec.fields[from[0] as number] as RawField;
    const before = allowed.get(field.name);
    allowed.set(
      field.name,
      before === undefined ? categories : before.filter((text) => categories.includes(text)),
    );
  }
  return allowed;
}
