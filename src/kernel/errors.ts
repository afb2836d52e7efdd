/**
 * What went wrong, as the outside may see it. A kind decides the HTTP status and the exit code; a code names
 * the case. Adding a code here is all that is needed: the reference page and its test follow this table.
 */
export type ErrorKind =
  | 'malformed'
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'slow_client'
  | 'too_large'
  | 'unsupported_media'
  | 'header_too_large'
  | 'too_many'
  | 'unavailable'
  | 'internal'
  | 'bad_remote'
  | 'timeout';

interface ErrorDefinition {
  readonly kind: ErrorKind;
  readonly title: string;
}

export const ERROR_CODES = {
  BODY_MALFORMED: { kind: 'malformed', title: 'The body is not valid JSON' },
  REQUEST_MALFORMED: { kind: 'malformed', title: 'The request could not be read' },
  INPUT_INVALID: { kind: 'invalid', title: 'The input does not fit the signature of the model' },
  REQUEST_INVALID: { kind: 'invalid', title: 'The request does not fit its schema' },
  API_KEY_MISSING: { kind: 'unauthenticated', title: 'This route needs an API key' },
  NOT_ALLOWED: { kind: 'forbidden', title: 'This caller may not do that' },
  ROUTE_NOT_FOUND: { kind: 'not_found', title: 'No such route' },
  MODEL_NOT_FOUND: { kind: 'not_found', title: 'No such model' },
  VERSION_NOT_FOUND: { kind: 'not_found', title: 'No such model version' },
  METHOD_NOT_ALLOWED: { kind: 'method_not_allowed', title: 'The route does not take this method' },
  MODEL_IN_USE: { kind: 'conflict', title: 'An endpoint serves this model' },
  VERSION_CONFLICT: { kind: 'conflict', title: 'The version exists already' },
  BODY_TOO_SLOW: { kind: 'slow_client', title: 'The body did not arrive in time' },
  CALLER_GONE: { kind: 'slow_client', title: 'The caller hung up before the answer was whole' },
  BODY_TOO_LARGE: { kind: 'too_large', title: 'The body is too large' },
  CONTENT_TYPE_UNSUPPORTED: { kind: 'unsupported_media', title: 'The content type is not supported' },
  HEADERS_TOO_LARGE: { kind: 'header_too_large', title: 'The headers are too large' },
  RATE_LIMITED: { kind: 'too_many', title: 'Too many requests' },
  NOT_READY: { kind: 'unavailable', title: 'The model is not ready' },
  OVERLOADED: { kind: 'unavailable', title: 'The server is overloaded' },
  LOG_UNWRITABLE: { kind: 'unavailable', title: 'The prediction log cannot be written' },
  SHUTTING_DOWN: { kind: 'unavailable', title: 'The server is shutting down' },
  REGISTRY_UNAVAILABLE: { kind: 'unavailable', title: 'The model registry cannot be reached' },
  STORE_UNAVAILABLE: { kind: 'unavailable', title: 'The store cannot be reached' },
  INFERENCE_FAILED: { kind: 'internal', title: 'The model failed on this input' },
  WORKER_LOST: { kind: 'internal', title: 'The process that ran the model died' },
  REMOTE_FAILED: { kind: 'bad_remote', title: 'The server that has the model failed' },
  INTERNAL: { kind: 'internal', title: 'Something inside the server failed' },
  DEADLINE_EXCEEDED: { kind: 'timeout', title: 'The prediction took too long' },
  CONFIG_INVALID: { kind: 'invalid', title: 'The configuration is not valid' },
  ARGUMENT_INVALID: { kind: 'invalid', title: 'An argument is not valid' },
  MODEL_UNREADABLE: { kind: 'invalid', title: 'The model cannot be read' },
  MODEL_UNSUPPORTED: { kind: 'invalid', title: 'The model needs something that the runtime does not have' },
  UNTRUSTED_CODE: { kind: 'invalid', title: 'The model executes code, and nobody has said that it may' },
  ENVIRONMENT_INCOMPLETE: { kind: 'invalid', title: 'The Python environment lacks what the model needs' },
  RUNTIME_MISSING: { kind: 'invalid', title: 'A package that runs this kind of model is not installed' },
  CONVERSION_REFUSED: { kind: 'invalid', title: 'The converted model does not answer as the original does' },
  TRANSFORM_INVALID: { kind: 'invalid', title: 'The transform is not valid' },
  DIGEST_MISMATCH: { kind: 'invalid', title: 'The artifact is not the one that was registered' },
  SIGNATURE_MISMATCH: { kind: 'invalid', title: 'The signature does not fit the graph' },
  GOLDEN_MISMATCH: { kind: 'invalid', title: 'A golden example does not hold' },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** One bad place in an input. `got` is the name of a JSON type and never the value itself. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
  readonly expected?: string;
  readonly got?: string;
}

interface AppErrorOptions {
  readonly problems?: readonly FieldProblem[];
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** The one error family. `message` may be shown to the caller unless it is hidden. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly FieldProblem[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.problems = options.problems ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get kind(): ErrorKind {
    return ERROR_CODES[this.code].kind;
  }

  /** Whether callers are told no more of it than its title: what broke is for the log. */
  get isHidden(): boolean {
    return this.kind === 'internal' || this.kind === 'bad_remote';
  }

  get title(): string {
    return ERROR_CODES[this.code].title;
  }
}

/** The first of some problems in a sentence, and how many more there are; `subject` is the name of what has no path. */
export function summaryOf(problems: readonly FieldProblem[], subject: string): string {
  const [first] = problems;
  const more = problems.length > 1 ? `, and ${problems.length - 1} more problems` : '';
  return `${first?.path || subject} ${first?.message}${more}`;
}

/** What was thrown, if it says itself what is wrong; otherwise as an error of `code` with what was thrown as its cause. */
export function asAppError(thrown: unknown, code: ErrorCode = 'INTERNAL'): AppError {
  return thrown instanceof AppError ? thrown : new AppError(code, messageOf(thrown), { cause: thrown });
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
