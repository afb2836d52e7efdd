import { AppError } from '../../kernel/errors.ts';
import type { Answer } from '../proving/parity.ts';
import type { InputRecord } from '../record-check.ts';
import type { LoadedModel } from '../runtimes/runtime.ts';

const RUN_ROWS = 200;

/**
 * What the model says to each row, in order. A run that fails is halved until the rows are found that the model refuses;
 * any other failure than INFERENCE_FAILED ends it.
 */
export async function answersOf(
  model: Pick<LoadedModel, 'run' | 'maxRows'>,
  rows: readonly InputRecord[],
  onProgress: (done: number) => void,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const size = Math.min(RUN_ROWS, model.maxRows);
  for (let from = 0; from < rows.length; from += size) {
    answers.push(...(await answersOfRun(model, rows.slice(from, from + size))));
    onProgress(answers.length);
  }
  return answers;
}

async function answersOfRun(
  model: Pick<LoadedModel, 'run'>,
  rows: readonly InputRecord[],
): Promise<readonly Answer[]> {
  try {
    // A runtime may use its arrays anew for the next run.
    return (await model.run(rows)).map((output) => ({
      ...output,
      probabilities: output.probabilities && Array.from(output.probabilities),
    }));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'INFERENCE_FAILED') throw error;
    if (rows.length === 1) return [{ refusal: error.message }];
    const middle = Math.ceil(rows.length / 2);
    return [
      ...(await answersOfRun(model, rows.slice(0, middle))),
      ...(await answersOfRun(model, rows.slice(middle))),
    ];
  }
}
