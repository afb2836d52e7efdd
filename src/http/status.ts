import type { AppError, ErrorKind } from '../kernel/errors.ts';

/** The one place where kinds become HTTP statuses; a kind without one does not compile. */
const STATUS: Record<ErrorKind, number> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  slow_client: 408,
  conflict: 409,
  too_large: 413,
  unsupported_media: 415,
  invalid: 422,
  too_many: 429,
  header_too_large: 431,
  internal: 500,
  bad_remote: 502,
  unavailable: 503,
  timeout: 504,
};

export function statusOf(error: AppError): number {
  return STATUS[error.kind];
}
