import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../kernel/errors.ts';

export interface Caller {
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string | undefined;
}

const LOOPBACK = /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/;
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** Who may call: with a key configured whoever has it; without one anybody may read, and loopback may change. */
export function createAccess(apiKey: string | undefined): {
  requireKey(caller: Caller): void;
  requireChange(caller: Caller): void;
} {
  const expected = apiKey === undefined ? null : sha256(apiKey);

  function requireKey({ headers }: Caller): void {
    if (expected === null) return;
    const given = keyOf(headers);
    if (given === null)
      throw new AppError('API_KEY_MISSING', 'Send the API key as `Authorization: Bearer …` or `X-API-Key`');
    if (!timingSafeEqual(sha256(given), expected))
      throw new AppError('API_KEY_MISSING', 'The API key is not the right one');
  }

  function requireChange(caller: Caller): void {
    if (expected !== null) {
      requireKey(caller);
      return;
    }
    if (!isLocal(caller)) {
      throw new AppError(
        'NOT_ALLOWED',
        'This route changes something: set auth.api_key to open it beyond this machine',
      );
    }
  }

  return { requireKey, requireChange };
}

function keyOf(headers: IncomingHttpHeaders): string | null {
  const own = headers['x-api-key'];
  if (typeof own === 'string') return own;
  return /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/** A proxy on this machine connects from loopback too, and a rebound DNS name points at it: neither counts. */
function isLocal({ headers, remoteAddress }: Caller): boolean {
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined;
  return LOOPBACK.test(remoteAddress ?? '') && !isForwarded && LOOPBACK_HOST.test(headers.host ?? '');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
