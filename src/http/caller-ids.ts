import type { IncomingHttpHeaders } from 'node:http';
import { MAX_CALLER_ID_LENGTH } from '../kernel/ids.ts';
import type { RequestContext } from '../serving/predictor.ts';

/** What a caller's headers say of its request; longer ids are cut. */
export function callerIds(
  headers: IncomingHttpHeaders,
): Pick<RequestContext, 'correlationId' | 'routingKey'> {
  return {
    correlationId: bounded(headers['x-correlation-id']),
    routingKey: bounded(headers['x-routing-key']),
  };
}

function bounded(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_CALLER_ID_LENGTH) : undefined;
}
