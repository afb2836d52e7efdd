import { randomHex } from './ids.ts';

const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|(?<!^00.{53})-)/;

/**
 * The trace id of a request, which is its request id too: the caller's from `traceparent` (W3C Trace Context), or a
 * new one.
 */
export function traceIdOf(headers: Readonly<Record<string, unknown>>): string {
  const traceparent = headers['traceparent'];
  if (typeof traceparent === 'string') {
    const given = TRACEPARENT.exec(traceparent)?.[1];
    if (given !== undefined) return given;
  }
  return randomHex(32);
}
