import type { Kysely, Transaction } from 'kysely';
import type { IngestStore, SegmentBatch } from '../../watching/ingestion/ingest-store.ts';
import type { Tables } from '../tables.ts';
import { BulkInsert } from './bulk-insert.ts';
import { FEEDBACK_COLUMNS, toFeedbackRow } from './feedback-row.ts';
import { PREDICTION_COLUMNS, toPredictionRow } from './prediction-row.ts';

export class KyselyIngestStore implements IngestStore {
  readonly #database: Kysely<Tables>;
  readonly #predictions = new BulkInsert('predictions', PREDICTION_COLUMNS);
  readonly #feedback = new BulkInsert('feedback', FEEDBACK_COLUMNS);

  constructor(database: Kysely<Tables>) {
    this.#database = database;
  }

  async offsetOf(segmentId: string): Promise<number> {
    const row = await this.#database
      .selectFrom('segments')
      .select('byte_offset')
      .where('segment_id', '=', segmentId)
      .executeTakeFirst();
    return row?.byte_offset ?? 0;
  }

  async ingest(batch: SegmentBatch): Promise<boolean> {
    const predictions = rowsOf(batch.predictions, toPredictionRow);
    const feedback = rowsOf(batch.feedback, toFeedbackRow);
    const tornLines = batch.tornLines + predictions.refused + feedback.refused;
    return this.#database.transaction().execute(async (transaction) => {
      if (!(await moveOffset(transaction, { ...batch, tornLines }))) return false;
      await this.#predictions.insert(transaction, predictions.rows);
      await this.#feedback.insert(transaction, feedback.rows);
      return true;
    });
  }
}

/** A line that no row can hold is counted as torn: it must not hold up the lines behind it for ever. */
function rowsOf<Line, Row>(
  lines: readonly Line[],
  toRow: (line: Line) => Row,
): { rows: Row[]; refused: number } {
  const rows: Row[] = [];
  for (const line of lines) {
    try {
      rows.push(toRow(line));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return { rows, refused: lines.length - rows.length };
}

/** The row stays locked until the transaction ends, so a second ingester waits here and then finds it moved. */
async function moveOffset(transaction: Transaction<Tables>, batch: SegmentBatch): Promise<boolean> {
  const now = Date.now();
  if (batch.from === 0) {
    await transaction
      .insertInto('segments')
      .values({ segment_id: batch.segmentId, byte_offset: 0, torn_lines: 0, updated_at: now })
      .onConflict((conflict) => conflict.column('segment_id').doNothing())
      .execute();
  }
  const moved = await transaction
    .updateTable('segments')
    .set((eb) => ({
      byte_offset: batch.to,
      torn_lines: eb('torn_lines', '+', batch.tornLines),
      updated_at: now,
    }))
    .where('segment_id', '=', batch.segmentId)
    .where('byte_offset', '=', batch.from)
    .executeTakeFirst();
  return moved.numUpdatedRows === 1n;
}
