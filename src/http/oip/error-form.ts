import { errorText } from '../../dialects/oip/error-text.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { ErrorForm } from '../error-form.ts';
import { problemHeaders } from '../problem-response.ts';
import { statusOf } from '../status.ts';

/**
 * `{"error": …}` as the protocol has it. The content type is without a charset: KServe's client shows the text only of
 * exactly this one.
 */
export const oipErrorForm: ErrorForm = (error, requestId) => ({
  status: oipStatusOf(error),
  headers: { ...problemHeaders(error), 'content-type': 'application/json' },
  body: JSON.stringify({ error: errorText(error, requestId) }),
});

/** Triton knows one status for all that is wrong with a request. */
function oipStatusOf(error: AppError): number {
  return error.kind === 'invalid' || error.kind === 'conflict' ? 400 : statusOf(error);
}
