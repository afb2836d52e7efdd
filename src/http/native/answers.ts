import type { Problem } from '../../contracts/native.ts';
import { AppError } from '../../kernel/errors.ts';
import { roundMicros } from '../../serving/prediction-log/lines.ts';
import type { Answer } from '../../serving/predictor.ts';
import type { Target } from '../../serving/target.ts';
import { problemOf } from '../problem-response.ts';

/** The answer of `POST /predict`, put together from parts that are JSON already. */
export function answerJson(target: Target, answer: Answer, elapsedMs: number): string {
  return `{${partsOf(answer)},${target.identityJson},"prediction_id":"${answer.id}","inference_time_ms":${roundMicros(elapsedMs)}}`;
}

/** The answer of a batch: one object per row, in order; a row that failed has `error` instead of `prediction`. */
export function batchJson(
  target: Target,
  answers: readonly (Answer | AppError)[],
  elapsedMs: number,
  requestId: string,
): string {
  let failed = 0;
  let rows = '';
  for (const answer of answers) {
    if (rows !== '') rows += ',';
    if (answer instanceof AppError) {
      failed++;
      rows += `{"error":${JSON.stringify(rowProblem(answer, requestId, failed <= EXPLAINED_ROWS))}}`;
    } else rows += `{${partsOf(answer)},"prediction_id":"${answer.id}"}`;
  }
  return `{"predictions":[${rows}],"failed":${failed},${target.identityJson},"inference_time_ms":${roundMicros(elapsedMs)}}`;
}

/** Rows of a batch whose every field is explained; the others say their first problem, so that answers stay small. */
const EXPLAINED_ROWS = 20;

function rowProblem(error: AppError, requestId: string, isExplained: boolean): Problem {
  const { errors, ...rest } = problemOf(error, requestId);
  return isExplained && errors !== undefined ? { ...rest, errors } : rest;
}

function partsOf({ rendered, logged }: Answer): string {
  let parts = `"prediction":${rendered.predictionJson}`;
  if (rendered.confidenceJson !== null)
    parts += `,"confidence":${rendered.confidenceJson},"probability":${rendered.probabilityJson}`;
  if (rendered.probabilitiesJson !== null) parts += `,"probabilities":${rendered.probabilitiesJson}`;
  return logged ? parts : `${parts},"logged":false`;
}
