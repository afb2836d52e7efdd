import { AppError } from '../../../kernel/errors.ts';
import type { WorkerRefusal } from './workers/messages.ts';
import type { StartFailure } from './workers/worker-process.ts';

/** A worker that did not become ready, as whoever loads the model is told: what is missing, or what is wrong with it. */
export function refusedStart(failure: StartFailure): AppError {
  const { refusal } = failure;
  if (refusal?.phase === 'environment') {
    const missing = refusal.missing.map(describeMissing).join(', ') || refusal.message;
    return new AppError(
      'ENVIRONMENT_INCOMPLETE',
      `The Python environment does not fit the model: ${missing}`,
      {
        cause: failure,
      },
    );
  }
  if (failure.kind === 'not_started')
    return new AppError('ENVIRONMENT_INCOMPLETE', `${failure.message}: set python.interpreter`, {
      cause: failure,
    });
  if (refusal === null)
    return new AppError('MODEL_UNREADABLE', `Python did not load the model: ${failure.message}`, {
      cause: failure,
    });
  return new AppError('MODEL_UNREADABLE', refusal.message, { cause: pythonError(refusal) });
}

/** What Python raised, with its traceback where a stack is shown. */
export function pythonError({ message, traceback }: Pick<WorkerRefusal, 'message' | 'traceback'>): Error {
  const error = new Error(message);
  error.name = 'PythonError';
  error.stack = traceback === '' ? message : traceback;
  return error;
}

function describeMissing({ package: name, wanted, found }: WorkerRefusal['missing'][number]): string {
  const exact = wanted === null ? name : `${name} ${wanted}`;
  return found === null ? `${exact} is missing` : `${exact} is needed, ${found} is installed`;
}
