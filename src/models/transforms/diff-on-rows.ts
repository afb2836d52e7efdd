import { type ColumnBatch, inColumns, type TrainingColumns, type TrainingRows } from './column-batch.ts';
import { compileColumnCheck } from './column-check.ts';
import { compileChain, compileTransform } from './compile.ts';
import type { Scalar } from './operation.ts';
import { RecordReader } from './record-reader.ts';
import { fieldsOf } from './signature-fields.ts';
import type { RawField, TransformSpec } from './spec.ts';

/** How one column that both transforms make differs over some rows. */
export interface ColumnDifference {
  readonly column: string;
  /** Rows whose two float32 are not the same to the last bit; two missing values are the same. */
  readonly rows: number;
  /** Largest distance of two numbers; null where one of the two was missing each time. */
  readonly largest: number | null;
  /** From 1. */
  readonly firstRow: number;
  /** The first operation of the chain whose value differs in that row; null when the field itself is read differently. */
  readonly operation: string | null;
}

export interface RowsDifference {
  readonly rows: number;
  /** Rows that only one of them refuses; they are not compared, nor are those that both refuse. */
  readonly onlyRefusedByA: number;
  readonly onlyRefusedByB: number;
  readonly columns: readonly ColumnDifference[];
}

/** Runs two fitted transforms over the same rows. */
export async function diffOnRows(
  a: TransformSpec,
  b: TransformSpec,
  training: TrainingRows | TrainingColumns,
): Promise<RowsDifference> {
  const fields = joinedFields(a.fields, b.fields);
  const [left, right] = [new Side(a, fields), new Side(b, fields)];
  const shared = left.compiled.columns.flatMap((column, atA) => {
    const atB = right.compiled.columns.indexOf(column);
    return atB === -1 ? [] : [{ column, atA, atB }];
  });
  const found = new Map<string, ColumnDifference>();
  let rows = 0;
  let onlyRefusedByA = 0;
  let onlyRefusedByB = 0;
  for await (const batch of inColumns(training).batches({ fields })) {
    left.take(batch);
    right.take(batch);
    for (let row = 0; row < batch.count; row++) {
      const [isRefusedA, isRefusedB] = [left.refused.has(row), right.refused.has(row)];
      if (isRefusedA && !isRefusedB) onlyRefusedByA++;
      if (isRefusedB && !isRefusedA) onlyRefusedByB++;
      if (isRefusedA || isRefusedB) continue;
      for (const { column, atA, atB } of shared) {
        const [x, y] = [left.value(row, atA), right.value(row, atB)];
        if (Object.is(x, y)) continue;
        const before = found.get(column);
        const distance = Math.abs(x - y);
        found.set(column, {
          column,
          rows: (before?.rows ?? 0) + 1,
          largest: Number.isNaN(distance)
            ? (before?.largest ?? null)
            : Math.max(before?.largest ?? 0, distance),
          firstRow: before?.firstRow ?? rows + row + 1,
          operation: before === undefined ? firstOperation(left, right, row, atA, atB) : before.operation,
        });
      }
    }
    rows += batch.count;
  }
  return { rows, onlyRefusedByA, onlyRefusedByB, columns: [...found.values()] };
}

/** One of the two transforms, over the batch that was taken last. */
class Side {
  readonly compiled;
  refused: ReadonlySet<number> = new Set();
  readonly #spec: TransformSpec;
  readonly #check;
  readonly #reader: RecordReader;
  /** Where its fields lie among those that are read for both. */
  readonly #places: readonly number[];
  /** The output that makes each of its columns. */
  readonly #outputs: readonly number[];
  #matrix = new Float32Array();
  #columns: ColumnBatch['columns'] = [];

  constructor(spec: TransformSpec, joined: readonly RawField[]) {
    this.compiled = compileTransform(spec);
    this.#spec = spec;
    this.#check = compileColumnCheck(fieldsOf(spec));
    this.#reader = new RecordReader(spec.fields);
    this.#places = spec.fields.map(({ name, type }) =>
      joined.findIndex((field) => field.name === name && field.type === type),
    );
    this.#outputs = spec.outputs.flatMap((output, o) =>
      compileTransform({ ...spec, outputs: [output] }).columns.map(() => o),
    );
  }

  take(batch: ColumnBatch): void {
    this.#columns = this.#places.map((place) => batch.columns[place] ?? null);
    const names = new Set(this.#spec.fields.map(({ name }) => name));
    const misread = new Map(
      [...batch.misread].filter(([, raw]) => Object.keys(raw).some((name) => names.has(name))),
    );
    this.refused = new Set(this.#check({ ...batch, columns: this.#columns, misread }));
    this.#matrix = new Float32Array(batch.count * this.compiled.columns.length);
    this.compiled.encodeColumns(this.#columns, batch.count, this.#matrix);
  }

  value(row: number, column: number): number {
    return this.#matrix[row * this.compiled.columns.length + column] as number;
  }

  /** The value before each step of the chain behind a column, and the operation that comes then. */
  chain(row: number, column: number): readonly { readonly value: Scalar; readonly operation: string }[] {
    const output = this.#spec.outputs[this.#outputs[column] as number] as TransformSpec['outputs'][number];
    this.#reader.openColumns(this.#columns);
    this.#reader.readRow(row);
    return output.steps.map(({ operation }, s) => ({
      value: operation.takes.length === 2 && s === 0 ? null : compileChain(output, this.#reader, s)(),
      operation: operation.name,
    }));
  }
}

/** The last operation that got the same value in both, since what it gives is not; or the one that only one of them has. */
function firstOperation(a: Side, b: Side, row: number, atA: number, atB: number): string | null {
  const [ours, theirs] = [a.chain(row, atA), b.chain(row, atB)];
  let operation: string | null = null;
  for (let s = 0; s < Math.max(ours.length, theirs.length); s++) {
    const [one, other] = [ours[s], theirs[s]];
    if (one === undefined || other === undefined) return (one ?? other)?.operation ?? null;
    if (!Object.is(one.value, other.value)) return operation;
    operation = one.operation;
  }
  return operation;
}

/** Every field of both; one that they read as different types is there twice. */
function joinedFields(a: readonly RawField[], b: readonly RawField[]): readonly RawField[] {
  const added = b.filter(({ name, type }) => !a.some((field) => field.name === name && field.type === type));
  return [...a, ...added];
}
