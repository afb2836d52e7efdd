import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely';
import type { FeedbackLine } from '../../contracts/log-record.ts';
import type { FeedbackFilter, FeedbackStore } from '../../watching/feedback-store.ts';
import type { Tables } from '../tables.ts';
import { fromFeedbackRow } from './feedback-row.ts';
import { indexedText } from './indexed-text.ts';
import { requireLimit } from './kysely-prediction-store.ts';

export class KyselyFeedbackStore implements FeedbackStore {
  readonly #database: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#database = database;
  }

  async query(filter: FeedbackFilter, limit: number): Promise<readonly FeedbackLine[]> {
    requireLimit(limit);
    const rows = await this.#database
      .selectFrom('feedback')
      .selectAll()
      .where((eb) => eb.and(conditionsOf(eb, filter)))
      .orderBy('received_at', 'desc')
      .orderBy('feedback_id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(fromFeedbackRow);
  }

  async count(filter: FeedbackFilter): Promise<number> {
    const row = await this.#database
      .selectFrom('feedback')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where((eb) => eb.and(conditionsOf(eb, filter)))
      .executeTakeFirstOrThrow();
    return row.count;
  }
}

function conditionsOf(
  eb: ExpressionBuilder<Tables, 'feedback'>,
  filter: FeedbackFilter,
): Expression<SqlBool>[] {
  const conditions: Expression<SqlBool>[] = [];
  if (filter.predictionId !== undefined)
    conditions.push(eb('prediction_id', '=', indexedText(filter.predictionId)));
  if (filter.correlationId !== undefined)
    conditions.push(eb('correlation_id', '=', indexedText(filter.correlationId)));
  if (filter.since !== undefined) conditions.push(eb('received_at', '>=', filter.since));
  if (filter.until !== undefined) conditions.push(eb('received_at', '<', filter.until));
  return conditions;
}
