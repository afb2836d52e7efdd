import { randomBytes } from 'node:crypto';

/** Of what a caller calls its request by: characters that are kept. */
export const MAX_CALLER_ID_LENGTH = 256;

const POOL_BYTES = 16 * 256;
let pool = '';
let poolOffset = 0;
let lastMs = 0;
let sequence = 0;
let timePrefix = '';

/** Lower-case hexadecimal digits from the system's generator, drawn in large pieces. */
export function randomHex(digits: number): string {
  if (poolOffset + digits > pool.length) {
    pool = randomBytes(POOL_BYTES).toString('hex');
    poolOffset = 0;
  }
  poolOffset += digits;
  return pool.slice(poolOffset - digits, poolOffset);
}

/**
 * A UUIDv7 (RFC 9562, section 5.7; method 1: a 12-bit counter in rand_a), ordered within the process.
 * `atMs` is the Unix time that it carries; a clock that steps back keeps the last one.
 */
export function uuidV7(atMs: number = Date.now()): string {
  if (atMs > lastMs) {
    startMillisecond(atMs);
  } else if (++sequence > 0xfff) startMillisecond(lastMs + 1);
  const random = randomHex(16);
  const variant = VARIANTS[Number.parseInt(random.charAt(0), 16) & 3] as string;
  const counter = (0x7000 | sequence).toString(16);
  return `${timePrefix}-${counter}-${variant}${random.slice(1, 4)}-${random.slice(4)}`;
}

const VARIANTS = ['8', '9', 'a', 'b'];

function startMillisecond(atMs: number): void {
  lastMs = atMs;
  sequence = 0;
  const time = atMs.toString(16).padStart(12, '0');
  timePrefix = `${time.slice(0, 8)}-${time.slice(8)}`;
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Unix milliseconds inside a UUIDv7, or null when the text is not one. */
export function timeOfUuidV7(id: string): number | null {
  return UUID_V7.test(id) ? timeInside(id) : null;
}

let timeDigits = '';
let timeRead = 0;

/** Unix milliseconds inside a text that is known to be a UUIDv7. Those of one millisecond come one after the other. */
export function timeInside(uuidV7: string): number {
  const digits = uuidV7.slice(0, 13);
  if (digits !== timeDigits) {
    timeDigits = digits;
    timeRead = Number.parseInt(digits.replace('-', ''), 16);
  }
  return timeRead;
}
