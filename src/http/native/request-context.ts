import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../kernel/errors.ts';
import { MAX_CALLER_ID_LENGTH } from '../../kernel/ids.ts';
import { type JsonObject, type JsonValue, jsonTypeOf } from '../../kernel/json.ts';
import type { RequestContext } from '../../serving/predictor.ts';
import { isWrapped } from '../../serving/row.ts';
import type { Target } from '../../serving/target.ts';
import { callerIds } from '../caller-ids.ts';
import type { ParsedBody } from '../parse-body.ts';

/** The one row of a body, wrapped or flat, and what its request says beside it. */
export function oneRow(
  target: Target,
  headers: IncomingHttpHeaders,
  requestId: string,
  { value, text }: Pick<ParsedBody, 'value' | 'text'>,
  receivedAt: number,
): { readonly row: JsonValue; readonly context: RequestContext } {
  const wrapped = isWrapped(target.served.signature, value);
  const context = contextOf(headers, requestId, receivedAt, wrapped || text === null ? null : [text]);
  if (!wrapped) return { row: value, context };
  return { row: value.features, context: wrappedContext(context, value as unknown as JsonObject) };
}

export function contextOf(
  headers: IncomingHttpHeaders,
  requestId: string,
  receivedAt: number,
  rowTexts: RequestContext['rowTexts'],
): RequestContext {
  return {
    receivedAt,
    rowTexts,
    traceId: requestId,
    dialect: 'native',
    ...callerIds(headers),
    callerTime: undefined,
  };
}

/** `id`, `key` and `timestamp` may stand beside `features`; anything else there is a mistake worth saying. */
function wrappedContext(context: RequestContext, body: JsonObject): RequestContext {
  const problems = Object.keys(body)
    .filter((name) => !['features', 'id', 'key', 'timestamp'].includes(name))
    .slice(0, 5)
    .map((name) => ({
      path: name.slice(0, 64),
      message: 'may not stand beside features; id, key and timestamp may',
      got: jsonTypeOf(body[name]),
    }));
  for (const name of ['id', 'key', 'timestamp'] as const) {
    const value = body[name];
    if (value !== undefined && (typeof value !== 'string' || value.length > MAX_CALLER_ID_LENGTH)) {
      problems.push({
        path: name,
        message: `must be a string of at most ${MAX_CALLER_ID_LENGTH} characters`,
        got: jsonTypeOf(value),
      });
    }
  }
  if (problems.length > 0)
    throw new AppError('REQUEST_INVALID', `${problems[0]?.path} ${problems[0]?.message}`, { problems });
  return {
    ...context,
    correlationId: (body['id'] as string | undefined) ?? context.correlationId,
    routingKey: (body['key'] as string | undefined) ?? context.routingKey,
    callerTime: body['timestamp'] as string | undefined,
  };
}
