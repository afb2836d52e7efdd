import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { errorText } from '../dialects/oip/error-text.ts';
import type { AppError, ErrorKind } from '../kernel/errors.ts';

/** The one place where kinds become gRPC's codes; a kind without one does not compile. */
const CODE: Record<ErrorKind, status> = {
  malformed: status.INVALID_ARGUMENT,
  invalid: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  not_found: status.NOT_FOUND,
  method_not_allowed: status.UNIMPLEMENTED,
  conflict: status.FAILED_PRECONDITION,
  slow_client: status.DEADLINE_EXCEEDED,
  too_large: status.RESOURCE_EXHAUSTED,
  unsupported_media: status.INVALID_ARGUMENT,
  header_too_large: status.RESOURCE_EXHAUSTED,
  too_many: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  internal: status.INTERNAL,
  bad_remote: status.INTERNAL,
  timeout: status.DEADLINE_EXCEEDED,
};

/** Clients drop a head of more than 8 KiB, and a status with it. */
const MAX_ENCODED = 4_000;
/** A character past ASCII: at most four bytes, each as %XX. */
const MOST_ENCODED = 12;

/** What a call fails with. Its trailing metadata has the request id, the error's code, and when to come back. */
export function statusOf(error: AppError, requestId: string): StatusObject {
  const metadata = new Metadata();
  metadata.set('x-request-id', requestId);
  metadata.set('x-error-code', error.code);
  if (error.retryAfterSeconds !== undefined)
    metadata.set('grpc-retry-pushback-ms', String(Math.round(error.retryAfterSeconds * 1000)));
  return { code: CODE[error.kind], details: shortened(errorText(error, requestId)), metadata };
}

function shortened(text: string): string {
  let left = MAX_ENCODED;
  let end = 0;
  for (const character of text) {
    left -= character >= ' ' && character <= '~' && character !== '%' ? 1 : MOST_ENCODED;
    if (left < 0) return `${text.slice(0, end)}…`;
    end += character.length;
  }
  return text;
}
