import type { ErrorKind } from '../kernel/errors.ts';

/** 1 something failed, 2 the call or the configuration is wrong, 3 not found, 4 cannot be done now. */
export const EXIT_CODES: Record<ErrorKind, number> = {
  malformed: 2,
  invalid: 2,
  unauthenticated: 2,
  forbidden: 2,
  not_found: 3,
  method_not_allowed: 2,
  conflict: 2,
  slow_client: 1,
  too_large: 2,
  unsupported_media: 2,
  header_too_large: 2,
  too_many: 4,
  unavailable: 4,
  internal: 1,
  bad_remote: 1,
  timeout: 1,
};
