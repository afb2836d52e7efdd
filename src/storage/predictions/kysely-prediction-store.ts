import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely';
import { AppError } from '../../kernel/errors.ts';
import { timeOfUuidV7 } from '../../kernel/ids.ts';
import type {
  PredictionCursor,
  PredictionFilter,
  PredictionPage,
  PredictionStore,
} from '../../watching/prediction-store.ts';
import type { Tables } from '../tables.ts';
import { indexedText } from './indexed-text.ts';
import { fromPredictionRow } from './prediction-row.ts';

const MOST_ROWS = 10_000;

export class KyselyPredictionStore implements PredictionStore {
  readonly #database: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#database = database;
  }

  async query(filter: PredictionFilter, limit: number, after?: PredictionCursor): Promise<PredictionPage> {
    requireLimit(limit);
    const rows = await this.#database
      .selectFrom('predictions')
      .selectAll()
      .where((eb) => eb.and(conditionsOf(eb, filter)))
      .$if(after !== undefined, (query) =>
        query.where((eb) =>
          eb(eb.refTuple('at', 'prediction_id'), '<', eb.tuple(after?.at ?? 0, after?.predictionId ?? '')),
        ),
      )
      .orderBy('at', 'desc')
      .orderBy('prediction_id', 'desc')
      .limit(limit + 1)
      .execute();
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      predictions: rows.slice(0, limit).map(fromPredictionRow),
      next: last === undefined ? null : { at: last.at, predictionId: last.prediction_id },
    };
  }

  async count(filter: PredictionFilter): Promise<number> {
    const row = await this.#database
      .selectFrom('predictions')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where((eb) => eb.and(conditionsOf(eb, filter)))
      .executeTakeFirstOrThrow();
    return row.count;
  }
}

/** Refuses a page size that no caller should ask for. */
export function requireLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST_ROWS) return;
  throw new AppError('ARGUMENT_INVALID', `limit must be an integer from 1 to ${MOST_ROWS}`);
}

const COLUMNS = {
  correlationId: 'correlation_id',
  model: 'model',
  modelVersion: 'model_version',
  endpoint: 'endpoint',
  outcome: 'outcome',
} as const satisfies Partial<Record<keyof PredictionFilter, keyof Tables['predictions']>>;

function conditionsOf(
  eb: ExpressionBuilder<Tables, 'predictions'>,
  filter: PredictionFilter,
): Expression<SqlBool>[] {
  const conditions: Expression<SqlBool>[] = [];
  for (const [name, column] of Object.entries(COLUMNS)) {
    const wanted = filter[name as keyof typeof COLUMNS];
    if (wanted !== undefined) conditions.push(eb(column, '=', indexedText(wanted)));
  }
  if (filter.predictionId !== undefined) {
    // The time inside the id leads to the key, and to the partition once there are some.
    const at = timeOfUuidV7(filter.predictionId);
    conditions.push(
      at === null
        ? eb.lit(false)
        : eb.and([eb('at', '=', at), eb('prediction_id', '=', filter.predictionId)]),
    );
  }
  if (filter.status !== undefined) conditions.push(eb('status', '=', filter.status));
  if (filter.since !== undefined) conditions.push(eb('at', '>=', filter.since));
  if (filter.until !== undefined) conditions.push(eb('at', '<', filter.until));
  return conditions;
}
