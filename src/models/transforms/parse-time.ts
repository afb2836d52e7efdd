const DASH = 45;
const PLUS = 43;
const POINT = 46;
const COLON = 58;
const SPACE = 32;
const T = 84;
const Z = 90;
const ZERO = 48;
const DATE_LENGTH = 10;
/** With nine decimals of a second and a zone. */
const MOST_LENGTH = 35;
/** By the number of decimals of a second, of which there is at least one. */
const POWERS = [Number.NaN, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/** Above every number of two digits. */
const NO_NUMBER = 100;
const NOT_ASCII = 0x80;

const DAY_MS = 86_400_000;
const DAYS_IN_MONTH = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_BEFORE_MONTH = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
/** From 0000-01-01. */
const DAYS_BEFORE_1970 = 719_528;

const scratch = new Uint8Array(MOST_LENGTH + 1);

/**
 * Unix milliseconds of a date or date and time in the form of ISO 8601 (RFC 3339; a space for the T, and seconds, zone or
 * the whole time may be left out). Without a zone it is UTC: where a server stands must not change a prediction. NaN for
 * anything else, also for a day that does not exist.
 */
export function parseTime(text: string): number {
  if (text.length > MOST_LENGTH) return Number.NaN;
  for (let i = 0; i < text.length; i++) {
    scratch[i] = Math.min(text.charCodeAt(i), NOT_ASCII);
  }
  scratch[text.length] = 0;
  return parseTimeBytes(scratch, text.length);
}

/** The same of a text in ASCII or UTF-8, behind whose `length` bytes is a zero, which ends every number. */
export function parseTimeBytes(bytes: Uint8Array, length: number): number {
  if (length < DATE_LENGTH || length > MOST_LENGTH) return Number.NaN;
  const days = bytes[4] === DASH && bytes[7] === DASH ? daysOf(bytes) : Number.NaN;
  let at = DATE_LENGTH;
  let hour = 0;
  let minute = 0;
  let second = 0;
  let ms = 0;
  if (bytes[at] === T || bytes[at] === SPACE) {
    if (bytes[at + 3] !== COLON) return Number.NaN;
    hour = twoDigits(bytes, at + 1);
    minute = twoDigits(bytes, at + 4);
    at += 6;
    if (bytes[at] === COLON) {
      second = twoDigits(bytes, at + 1);
      at += 3;
      if (bytes[at] === POINT) {
        const first = ++at;
        let fraction = 0;
        for (; digit(bytes, at) <= 9; at++) fraction = fraction * 10 + digit(bytes, at);
        const power = POWERS[at - first] ?? Number.NaN;
        ms = Math.floor((fraction / power) * 1000);
      }
    }
  }
  let offset = 0;
  const sign = bytes[at];
  if (sign === Z) at++;
  else if (sign === PLUS || sign === DASH) {
    const last = bytes[at + 3] === COLON ? at + 4 : at + 3;
    const hours = twoDigits(bytes, at + 1);
    const minutes = twoDigits(bytes, last);
    if (hours === NO_NUMBER || minutes === NO_NUMBER) return Number.NaN;
    offset = (hours * 60 + minutes) * (sign === PLUS ? 60 : -60);
    at = last + 2;
  }
  if (at !== length || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  return days * DAY_MS + ((hour * 60 + minute) * 60 + second - offset) * 1000 + ms;
}

/** Days from 1970 to the date in the first ten bytes. */
function daysOf(bytes: Uint8Array): number {
  const century = twoDigits(bytes, 0);
  const ofCentury = twoDigits(bytes, 2);
  const month = twoDigits(bytes, 5);
  const day = twoDigits(bytes, 8);
  if (century === NO_NUMBER || ofCentury === NO_NUMBER || month > 12) return Number.NaN;
  const year = century * 100 + ofCentury;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = (DAYS_IN_MONTH[month] as number) + Number(isLeap && month === 2);
  if (day < 1 || day > days) return Number.NaN;
  const leapDays = Math.ceil(year / 4) - Math.ceil(year / 100) + Math.ceil(year / 400);
  const ofYear = (DAYS_BEFORE_MONTH[month] as number) + Number(isLeap && month > 2) + day - 1;
  return year * 365 + leapDays + ofYear - DAYS_BEFORE_1970;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = digit(bytes, at);
  const ones = digit(bytes, at + 1);
  return tens <= 9 && ones <= 9 ? tens * 10 + ones : NO_NUMBER;
}

/** More than nine for a byte that is no digit. */
function digit(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) - ZERO) & 0xff;
}
