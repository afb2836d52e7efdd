import type { IncomingHttpHeaders } from 'node:http';
import { randomHex } from '../kernel/ids.ts';

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;
const NO_TRACE = '0'.repeat(32);

/**
 * The trace id of a request, which is its request id too: the caller's from `traceparent` (W3C Trace Context), or a
 * new one.
 */
export function traceIdOf(headers: IncomingHttpHeaders): string {
  const { traceparent } = headers;
  if (typeof traceparent === 'string') {
    const given = TRACEPARENT.exec(traceparent)?.[1];
    if (given !== undefined && given !== NO_TRACE && !traceparent.startsWith('ff')) return given;
  }
  return randomHex(32);
}
