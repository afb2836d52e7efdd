import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '../kernel/errors.ts';

interface Headers {
  readonly authorization?: string | undefined;
  /** HTTP/2 says `:authority`. */
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly [name: string]: string | readonly string[] | undefined;
}

export interface Caller {
  /** HTTP headers or gRPC metadata, with names in small letters. */
  readonly headers: Headers;
  readonly remoteAddress: string | undefined;
}

const LOOPBACK = /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/;
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

export interface Access {
  /** Whether the caller has the key; true for everybody where none is configured. */
  hasKey(caller: Caller): boolean;
  /** Fails with API_KEY_MISSING. */
  requireKey(caller: Caller): void;
  /** Fails with API_KEY_MISSING or NOT_ALLOWED. */
  requireChange(caller: Caller): void;
}

/** Who may call: with a key configured whoever has it; without one anybody may read, and loopback may change. */
export function createAccess(apiKey: string | undefined): Access {
  const expected = apiKey === undefined ? null : sha256(apiKey);

  function hasKey({ headers }: Caller): boolean {
    if (expected === null) return true;
    const given = keyOf(headers);
    return given !== null && timingSafeEqual(sha256(given), expected);
  }

  function requireKey(caller: Caller): void {
    if (hasKey(caller)) return;
    const reason =
      keyOf(caller.headers) === null ? 'Send the API key' : 'The API key is not the right one: send it';
    throw new AppError('API_KEY_MISSING', `${reason} as \`Authorization: Bearer …\` or \`X-API-Key\``);
  }

  function requireChange(caller: Caller): void {
    requireKey(caller);
    if (expected !== null || isLocal(caller)) return;
    throw new AppError(
      'NOT_ALLOWED',
      'This route changes something: set auth.api_key to open it beyond this machine',
    );
  }

  return { hasKey, requireKey, requireChange };
}

function keyOf(headers: Headers): string | null {
  const own = headers['x-api-key'];
  if (typeof own === 'string') return own;
  return /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/**
 * A proxy on this machine connects from loopback too, a rebound DNS name points at it, and a page of another site may be
 * open in a browser here: none of them counts.
 */
function isLocal({ headers, remoteAddress }: Caller): boolean {
  const { host = '', origin } = headers;
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined;
  const isOtherSite = origin !== undefined && origin.replace(/^https?:\/\//, '') !== host;
  return LOOPBACK.test(remoteAddress ?? '') && !isForwarded && !isOtherSite && LOOPBACK_HOST.test(host);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
