const TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?(?:Z|([+-])(\d{2}):?(\d{2}))?$/;

/**
 * Unix milliseconds of a date or date and time in the form of ISO 8601 (RFC 3339; a space for the T, and seconds, zone or
 * the whole time may be left out). Without a zone it is UTC: where a server stands must not change a prediction. NaN for
 * anything else, also for a day that does not exist.
 */
export function parseTime(text: string): number {
  const found = TIME.exec(text);
  if (found === null) return Number.NaN;
  const [
    ,
    year,
    month,
    day,
    hour = '0',
    minute = '0',
    second = '0',
    fraction = '0',
    sign,
    offsetHours,
    offsetMinutes,
  ] = found;
  const ms = Math.floor(Number(`0.${fraction}`) * 1000);
  const at = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    ms,
  );
  const date = new Date(at);
  const exists =
    date.getUTCDate() === Number(day) &&
    date.getUTCMonth() === Number(month) - 1 &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60;
  if (!exists) return Number.NaN;
  if (sign === undefined) return at;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000;
  return sign === '+' ? at - offset : at + offset;
}
