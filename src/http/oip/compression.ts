import { promisify } from 'node:util';
import { constants, deflate, gunzip, gzip, inflate } from 'node:zlib';
import { AppError, messageOf } from '../../kernel/errors.ts';

/** `deflate` is zlib's format (RFC 1950), as HTTP and Triton's clients have it. */
const INFLATE = { gzip: promisify(gunzip), deflate: promisify(inflate) };
const DEFLATE = { gzip: promisify(gzip), deflate: promisify(deflate) };
type Encoding = keyof typeof INFLATE;

/** Below it the head of the answer is longer than what compressing saves. */
const WORTH_BYTES = 1_024;

/** The body as it was before its content encoding, at most so many bytes: BODY_TOO_LARGE stops a bomb before it is there. */
export async function decompress(
  body: Buffer,
  encoding: string | undefined,
  limitBytes: number,
): Promise<Buffer> {
  if (encoding === undefined || encoding === 'identity') return body;
  if (!isEncoding(encoding)) {
    throw new AppError(
      'CONTENT_TYPE_UNSUPPORTED',
      'Send the body with content-encoding gzip or deflate, or without one',
    );
  }
  try {
    return await INFLATE[encoding](body, { maxOutputLength: limitBytes });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new AppError('BODY_TOO_LARGE', 'The body, once inflated, is larger than server.body_limit_bytes');
    }
    throw new AppError('BODY_MALFORMED', `The body is not valid ${encoding}: ${messageOf(error)}`);
  }
}

/** What a body of that size is to be sent as; null for as it is. */
export function encodingFor(accept: string | string[] | undefined, bytes: number): Encoding | null {
  if (typeof accept !== 'string' || bytes < WORTH_BYTES) return null;
  const accepted = accept
    .toLowerCase()
    .split(',')
    .map((part) => part.trim())
    .filter((part) => !/;\s*q=0(\.0*)?$/.test(part))
    .map((part) => part.split(';')[0]?.trim() ?? '');
  return accepted.find(isEncoding) ?? null;
}

export function compress(body: string | Buffer, encoding: Encoding): Promise<Buffer> {
  return DEFLATE[encoding](body, { level: constants.Z_BEST_SPEED });
}

function isEncoding(text: string): text is Encoding {
  return text === 'gzip' || text === 'deflate';
}
