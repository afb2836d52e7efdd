import type { AppError } from '../kernel/errors.ts';
import { problemHeaders, problemOf } from './problem-response.ts';
import { statusOf } from './status.ts';

/** An error as one dialect answers it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type ErrorForm = (error: AppError, requestId: string) => ErrorAnswer;

/** The native form: RFC 9457. */
export const problemForm: ErrorForm = (error, requestId) => ({
  status: statusOf(error),
  headers: problemHeaders(error),
  body: JSON.stringify(problemOf(error, requestId)),
});

/** The form of a dialect by the first part of its paths (`/v2`); every other path has the native one. */
export function formOf(forms: ReadonlyMap<string, ErrorForm>, url: string): ErrorForm {
  return forms.get(/^\/[^/?#]*/.exec(url)?.[0] ?? '') ?? problemForm;
}
