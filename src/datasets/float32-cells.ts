const ZERO = 48;
const POINT = 46;
const MINUS = 45;
const POWERS = Array.from({ length: 13 }, (_, i) => 10 ** i);
/** Beyond it a double has no room for the decimals that tell two float32 apart. */
const LARGEST = 1e7;
const SMALLEST = 1e-3;
const LIKELY = 5;
/** Most bytes that one number takes. */
export const MOST_BYTES = 32;

/**
 * Writes a finite float32 at `at` in as few decimals as read back as the same float32, and answers with where it ends:
 * 0.62, and not 0.6200000047683716. Straight into bytes: most of the time of writing a matrix would go into strings.
 */
export function writeFloat32(value: number, bytes: Buffer, at: number): number {
  if (value === 0) return at + bytes.write(Object.is(value, -0) ? '-0' : '0', at, 'latin1');
  const size = Math.abs(value);
  if (size >= LARGEST || size < SMALLEST) return at + bytes.write(String(value), at, 'latin1');
  const decimals = decimalsOf(size);
  const power = POWERS[decimals] as number;
  const scaled = Math.round(size * power);
  const whole = Math.floor(scaled / power);
  let end = at;
  if (value < 0) bytes[end++] = MINUS;
  end = writeDigits(whole, digitsOf(whole), bytes, end);
  if (decimals === 0) return end;
  bytes[end] = POINT;
  return writeDigits(scaled - whole * power, decimals, bytes, end + 1);
}

/** The fewest decimals; where some are enough, more are as well. Most numbers need either few or more than six. */
function decimalsOf(size: number): number {
  let decimals = isEnough(size, LIKELY) ? 0 : LIKELY + 1;
  while (decimals < POWERS.length - 1 && !isEnough(size, decimals)) decimals++;
  return decimals;
}

function isEnough(size: number, decimals: number): boolean {
  const power = POWERS[decimals] as number;
  return Math.fround(Math.round(size * power) / power) === size;
}

function digitsOf(whole: number): number {
  let digits = 1;
  while (digits < POWERS.length && whole >= (POWERS[digits] as number)) digits++;
  return digits;
}

/** The digits of a whole number below 10^12, with zeros before it. */
function writeDigits(whole: number, digits: number, bytes: Buffer, at: number): number {
  let rest = whole;
  let place = at + digits;
  while (place > at) {
    // Six digits at a time: they fit into 32 bits, where a division costs little.
    const above = Math.floor(rest / 1e6);
    let six = (rest - above * 1e6) | 0;
    for (let i = 0; i < 6 && place > at; i++) {
      const tenth = (six / 10) | 0;
      bytes[--place] = ZERO + (six - tenth * 10);
      six = tenth;
    }
    rest = above;
  }
  return at + digits;
}
