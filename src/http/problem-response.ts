import type { Problem } from '../contracts/native.ts';
import { AppError, asAppError, type ErrorCode, messageOf } from '../kernel/errors.ts';
import { statusOf } from './status.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** Fastify's own refusals, in our words. */
const FASTIFY_CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', 'The body is larger than server.body_limit_bytes'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'CONTENT_TYPE_UNSUPPORTED',
    'Send JSON with `content-type: application/json`',
  ],
  FST_ERR_CTP_EMPTY_TYPE: ['CONTENT_TYPE_UNSUPPORTED', 'Send JSON with `content-type: application/json`'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['REQUEST_MALFORMED', 'The body is not as long as content-length says'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['BODY_MALFORMED', 'The body is empty'],
  FST_ERR_BAD_URL: ['REQUEST_MALFORMED', 'The path is not a valid URL path'],
  FST_ERR_MAX_PARAM_LENGTH: ['REQUEST_MALFORMED', 'A part of the path is too long'],
  ERR_STREAM_PREMATURE_CLOSE: ['REQUEST_MALFORMED', 'The body broke off'],
  ECONNRESET: ['REQUEST_MALFORMED', 'The body broke off'],
};

/** Anything thrown, as an error that may be shown. What is not ours is INTERNAL, with the original as its cause. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const code = (thrown as { code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? FASTIFY_CODES[code] : undefined;
  if (known !== undefined) return new AppError(known[0], known[1], { cause: thrown });
  if (isCallersFault(thrown)) return new AppError('REQUEST_MALFORMED', messageOf(thrown), { cause: thrown });
  return asAppError(thrown);
}

/** A refusal of the framework that has no entry above. */
function isCallersFault(thrown: unknown): boolean {
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown };
  const isFramework = typeof code === 'string' && code.startsWith('FST_ERR_');
  return isFramework && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
}

/** RFC 9457. A 500 says nothing of what happened inside; the log has it under the request id. */
export function problemOf(error: AppError, requestId: string): Problem {
  return {
    type: `urn:slipway:error:${error.code}`,
    title: error.title,
    status: statusOf(error),
    detail: error.isHidden
      ? 'The server log has the reason under this request_id'
      : error.message.slice(0, 1000),
    code: error.code,
    request_id: requestId,
    ...(error.problems.length > 0 && { errors: [...error.problems] }),
  };
}

/** What a problem says in its head, beside status and request id. */
export function problemHeaders(error: AppError): Readonly<Record<string, string>> {
  return {
    'content-type': PROBLEM_TYPE,
    ...(error.retryAfterSeconds !== undefined && { 'retry-after': String(error.retryAfterSeconds) }),
    ...(error.kind === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
  };
}
