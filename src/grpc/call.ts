import { isIP } from 'node:net';
import type { Metadata, ServerErrorResponse } from '@grpc/grpc-js';
import type { Access, Caller as AccessCaller } from '../access/access.ts';
import { AppError, asAppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { traceIdOf } from '../kernel/trace-id.ts';
import { statusOf } from './status.ts';

/** Who may call a method: everybody, whoever has the API key, or those who may change something. */
export type Circle = 'open' | 'keyed' | 'changing';

/** What every kind of call has, whatever it carries. */
export interface AnyCall {
  readonly metadata: Metadata;
  getPeer(): string;
  getHost(): string;
  getPath(): string;
  getDeadline(): Date | number;
}

export function firstOf(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return typeof value === 'string' ? value : undefined;
}

/** Fails with API_KEY_MISSING or NOT_ALLOWED. */
export function admit(call: AnyCall, circle: Circle, access: Access): void {
  if (circle === 'keyed') access.requireKey(callerOf(call));
  else if (circle === 'changing') access.requireChange(callerOf(call));
}

function callerOf(call: AnyCall): AccessCaller {
  const { metadata } = call;
  const headers: Record<string, string | undefined> = { host: call.getHost() };
  for (const name of ['authorization', 'x-api-key', 'x-forwarded-for', 'forwarded'])
    headers[name] = firstOf(metadata, name);
  const peer = call.getPeer();
  const address = peer.slice(0, peer.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  return { headers, remoteAddress: isIP(address) === 0 ? undefined : address };
}

export function requestIdOf({ metadata }: AnyCall): string {
  return traceIdOf({ traceparent: firstOf(metadata, 'traceparent') });
}

/** A call that came too late is not run: nobody waits for its answer. */
export function refuseWhenLate(call: AnyCall, now: number): void {
  const deadline = call.getDeadline();
  const at = typeof deadline === 'number' ? deadline : deadline.getTime();
  if (now >= at) throw new AppError('DEADLINE_EXCEEDED', 'The deadline of the call is over');
}

/** What was thrown, as the call fails with it; what broke inside goes to the log. */
export function failureOf(
  thrown: unknown,
  call: AnyCall,
  requestId: string,
  logger: Logger,
): ServerErrorResponse {
  const error = asAppError(thrown);
  if (error.isHidden)
    logger.error(error.message, { 'trace.id': requestId, 'rpc.method': call.getPath(), error });
  return Object.assign(new Error(error.code), statusOf(error, requestId));
}
