import type { AppError, ErrorKind, FieldProblem } from '../../kernel/errors.ts';

/** Names of `mlflow.protos.databricks_pb2.ErrorCode`. */
const ERROR_CODE: Record<ErrorKind, string> = {
  malformed: 'BAD_REQUEST',
  invalid: 'INVALID_PARAMETER_VALUE',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  not_found: 'RESOURCE_DOES_NOT_EXIST',
  method_not_allowed: 'BAD_REQUEST',
  conflict: 'RESOURCE_CONFLICT',
  slow_client: 'BAD_REQUEST',
  too_large: 'BAD_REQUEST',
  unsupported_media: 'BAD_REQUEST',
  header_too_large: 'BAD_REQUEST',
  too_many: 'REQUEST_LIMIT_EXCEEDED',
  internal: 'INTERNAL_ERROR',
  bad_remote: 'INTERNAL_ERROR',
  unavailable: 'TEMPORARILY_UNAVAILABLE',
  timeout: 'DEADLINE_EXCEEDED',
};
const NAMED_PROBLEMS = 20;

/** An error in MLflow's words. `status` is null where the error's own holds. */
export function faultOf(
  error: AppError,
  requestId: string,
): {
  readonly status: number | null;
  readonly body: { readonly error_code: string; readonly message: string };
} {
  if (error.code === 'INFERENCE_FAILED') {
    const message =
      'Encountered an unexpected error while evaluating the model. Verify that the serialized input Dataframe is compatible with the model for inference.';
    return { status: 400, body: { error_code: 'BAD_REQUEST', message } };
  }
  return {
    status: error.kind === 'invalid' ? 400 : null,
    body: { error_code: ERROR_CODE[error.kind], message: messageOf(error, requestId) },
  };
}

function messageOf(error: AppError, requestId: string): string {
  if (error.isHidden) return `The server log has the reason under the request id ${requestId}`;
  if (error.kind === 'timeout') return 'Request processing time exceeded limit';
  if (error.problems.length === 0) return error.message.slice(0, 1000);
  const named = error.problems.slice(0, NAMED_PROBLEMS).map(sentenceOf).join('; ');
  const more = error.problems.length - NAMED_PROBLEMS;
  return `Failed to predict data. Error: ${named}${more > 0 ? `; and ${more} more` : ''}`;
}

function sentenceOf({ path, message, expected, got }: FieldProblem): string {
  const told = [expected && `expected ${expected}`, got && `got ${got}`].filter(Boolean).join(', ');
  return `${path} ${message}${told === '' ? '' : ` (${told})`}`;
}
