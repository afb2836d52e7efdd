import { compileRecordCheck } from '../record-check.ts';
import { type ColumnBatch, recordOf } from './column-batch.ts';
import { compileColumnCheck } from './column-check.ts';
import { FaultyRows } from './faulty-rows.ts';
import { fieldsOf } from './signature-fields.ts';
import type { TransformSpec } from './spec.ts';

/** Batch after batch of a table, checked against the fields of a transform. */
export class CheckedBatches {
  readonly #spec: TransformSpec;
  readonly #check;
  readonly #records;
  readonly #faulty = new FaultyRows();
  #rows = 0;

  constructor(spec: TransformSpec) {
    const fields = fieldsOf(spec);
    this.#spec = spec;
    this.#check = compileColumnCheck(fields);
    this.#records = compileRecordCheck({ fields });
  }

  /** Rows that were seen. */
  get rows(): number {
    return this.#rows;
  }

  /** How many of them do not fit. */
  get wrong(): number {
    return this.#faulty.count;
  }

  see(batch: ColumnBatch): void {
    for (const row of this.#check(batch)) {
      const record = recordOf(this.#spec.fields, batch, row);
      this.#faulty.add(this.#records.problems(record, `row ${this.#rows + row + 1}: `));
    }
    this.#rows += batch.count;
  }

  /** INPUT_INVALID when a row did not fit; `source` is the name of the data. */
  refuse(source?: string): void {
    this.#faulty.throwIfAny(this.#rows, source);
  }
}
