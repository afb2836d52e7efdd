import { AppError, type FieldProblem } from '../../kernel/errors.ts';

const MOST_PROBLEMS = 20;

/** The rows of a table that do not fit the fields of a transform: all are counted, the first are named. */
export class FaultyRows {
  readonly #problems: FieldProblem[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(problems: readonly FieldProblem[]): void {
    this.#count++;
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(...problems);
  }

  /** INPUT_INVALID, of `rows` that were looked at; `source` is the name of the data. */
  throwIfAny(rows: number, source?: string): void {
    if (this.#count === 0) return;
    const count = `${this.#count} of ${rows} rows do not fit the fields of the transform`;
    throw new AppError('INPUT_INVALID', source === undefined ? count : `${source}: ${count}`, {
      problems: this.#problems.slice(0, MOST_PROBLEMS),
    });
  }
}
