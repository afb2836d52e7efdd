import type { Clock } from '../kernel/clock.ts';
import { uuidV7 } from '../kernel/ids.ts';
import type { JsonValue } from '../kernel/json.ts';
import { feedbackLine } from './prediction-log/lines.ts';
import type { PredictionLog } from './prediction-log/prediction-log.ts';

/** What turned out to be true of one prediction, named by its id or by the caller's own. */
export interface Feedback {
  readonly prediction_id?: string | undefined;
  readonly id?: string | undefined;
  readonly actual: JsonValue;
  readonly timestamp?: string | undefined;
}

/**
 * Takes labels into the log, where ingestion finds them; repeated and corrected ones are all kept. Answers each one's
 * id once all lines are in. Fails with LOG_UNWRITABLE: a label that is not in the log was not taken.
 */
export async function recordFeedback(
  log: PredictionLog,
  clock: Clock,
  items: readonly Feedback[],
): Promise<readonly string[]> {
  const at = clock.now();
  const ids = items.map(() => uuidV7(at));
  const lines = items.map((item, i) =>
    feedbackLine({ at, 'event.id': ids[i] as string, ...(item as { actual: never }) }),
  );
  await Promise.all(lines.map((line) => log.append(line)));
  return ids;
}
