import type { Problem } from '../../contracts/native.ts';
import { ByteText } from '../../kernel/byte-text.ts';
import { AppError } from '../../kernel/errors.ts';
import { roundMicros } from '../../serving/prediction-log/lines.ts';
import type { Answer } from '../../serving/predictor.ts';
import type { Target } from '../../serving/target.ts';
import { problemOf } from '../problem-response.ts';

/** The answer of `POST /predict`, put together from parts that are JSON already. */
export function answerJson(target: Target, answer: Answer, elapsedMs: number): string {
  return `{${partsOf(answer)},${target.identityJson},"prediction_id":"${answer.id}","inference_time_ms":${roundMicros(elapsedMs)}}`;
}

/**
 * The answer of a batch: one object per row, in order; a row that failed has `error` instead of `prediction`. Rows are
 * written as they come, while others still run, and as bytes: a text of a megabyte would be copied three times.
 */
export class BatchJson {
  readonly #target: Target;
  readonly #requestId: string;
  readonly #texts: (string | undefined)[] = [];
  readonly #bytes = new ByteText();
  #written = 0;
  #explained = 0;

  constructor(target: Target, requestId: string) {
    this.#target = target;
    this.#requestId = requestId;
    this.#bytes.add('{"predictions":[');
  }

  /** The answer of one row, in any order. */
  add(place: number, answer: Answer | AppError): void {
    this.#texts[place] = this.#textOf(answer);
    for (let text = this.#texts[this.#written]; text !== undefined; text = this.#texts[this.#written]) {
      this.#bytes.add(this.#written === 0 ? text : `,${text}`);
      this.#texts[this.#written++] = undefined;
    }
  }

  /** The whole, once every row was added. */
  finish(failed: number, elapsedMs: number): Buffer {
    const { identityJson } = this.#target;
    this.#bytes.add(`],"failed":${failed},${identityJson},"inference_time_ms":${roundMicros(elapsedMs)}}`);
    return this.#bytes.content();
  }

  #textOf(answer: Answer | AppError): string {
    if (!(answer instanceof AppError)) return `{${partsOf(answer)},"prediction_id":"${answer.id}"}`;
    this.#explained++;
    const problem = rowProblem(answer, this.#requestId, this.#explained <= EXPLAINED_ROWS);
    return `{"error":${JSON.stringify(problem)}}`;
  }
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
  if (rendered.textJson !== null) parts += `,"translation":${rendered.predictionJson},${rendered.textJson}`;
  if (rendered.probabilitiesJson !== null) parts += `,"probabilities":${rendered.probabilitiesJson}`;
  return logged ? parts : `${parts},"logged":false`;
}
