import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CompiledQuery, sql, type Transaction } from 'kysely';
import type { Tables } from '../tables.ts';

/** Rows of one statement: past this nothing is gained, and other work of the thread waits longer. */
const MOST_ROWS = 128;

type BulkTable = 'predictions' | 'feedback';

/**
 * Inserts rows that the table does not hold yet. The statement is built once for each power of two of rows and then
 * reused with other values, since building it costs more than running it.
 */
export class BulkInsert<Table extends BulkTable> {
  readonly #table: Table;
  readonly #columns: readonly (keyof Tables[Table] & string)[];
  readonly #statements = new Map<number, CompiledQuery>();

  constructor(table: Table, columns: readonly (keyof Tables[Table] & string)[]) {
    this.#table = table;
    this.#columns = columns;
  }

  async insert(transaction: Transaction<Tables>, rows: readonly Tables[Table][]): Promise<void> {
    let done = 0;
    while (done < rows.length) {
      const size = Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(rows.length - done)));
      const parameters: unknown[] = [];
      for (let index = done; index < done + size; index += 1) {
        const row = rows[index] as Tables[Table];
        for (const column of this.#columns) parameters.push(row[column]);
      }
      await transaction.executeQuery({ ...this.#statement(transaction, size), parameters });
      done += size;
      // SQLite works on this thread: let requests that wait have their turn between statements.
      await nextTurn();
    }
  }

  #statement(transaction: Transaction<Tables>, size: number): CompiledQuery {
    const known = this.#statements.get(size);
    if (known !== undefined) return known;
    const columns = sql.join(this.#columns.map((column) => sql.ref(column)));
    const row = sql`(${sql.join(this.#columns.map(() => null))})`;
    const values = sql.join(Array.from({ length: size }, () => row));
    const compiled =
      sql`insert into ${sql.table(this.#table)} (${columns}) values ${values} on conflict do nothing`.compile(
        transaction,
      );
    this.#statements.set(size, compiled);
    return compiled;
  }
}
