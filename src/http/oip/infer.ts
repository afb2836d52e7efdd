import type { IncomingHttpHeaders } from 'node:http';
import type { InferenceService, InferRequest } from '../../dialects/oip/protocol.ts';
import { AppError } from '../../kernel/errors.ts';
import type { AnswerBody, FastAnswer, FastRoute } from '../fast-lane.ts';
import { compress, decompress, encodingFor } from './compression.ts';
import { oipErrorForm } from './error-form.ts';
import { rawRequest } from './raw-request.ts';
import { readInferRequest } from './read-request.ts';
import { writeResponse } from './write-response.ts';

interface InferDependencies {
  readonly service: InferenceService;
  readonly bodyLimitBytes: number;
}

const LENGTH_HEADER = 'inference-header-content-length';
const MAX_ID_LENGTH = 256;
const JSON_HEADERS = ['content-type', 'application/json'];

/** Clients of the protocol send any of these, or none. */
const PLAIN_TYPES = new Set([
  undefined,
  'application/octet-stream',
  'application/json',
  'application/json; charset=utf-8',
]);

/** `POST …/infer` of one model, whichever lane the body came by. */
export function createInfer({ service, bodyLimitBytes }: InferDependencies) {
  return (name: string, version: string): AnswerBody => {
    return async (headers, requestId, sent, receivedAt) => {
      requireKnownType(headers);
      const encoding = headers['content-encoding'];
      const body = encoding === undefined ? sent : await decompress(sent, encoding, bodyLimitBytes);
      const request = await read(name, version, headers, body);
      const response = await service.infer(request, {
        traceId: requestId,
        routingKey: boundedHeader(headers['x-routing-key']),
        correlationId: boundedHeader(headers['x-correlation-id']),
        receivedAt,
        dialect: 'oip-rest',
      });
      const written = writeResponse(response, request);
      const own = written.jsonLength === null ? JSON_HEADERS : binaryHeaders(written.jsonLength);
      return compressed({ headers: own, body: written.body }, headers);
    };
  };

  function read(
    name: string,
    version: string,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): InferRequest | Promise<InferRequest> {
    const jsonLength = jsonLengthOf(headers);
    if (jsonLength !== 0) return readInferRequest(name, version, { body, jsonLength });
    return service.config(name, version).then((config) => rawRequest(name, version, { config, body }));
  }
}

/** The paths of the endpoints' own names. */
export function fastInferPaths(
  names: readonly string[],
  deps: InferDependencies,
): ReadonlyMap<string, FastRoute> {
  const infer = createInfer(deps);
  return new Map(
    names.map((name) => [
      `/v2/models/${name}/infer`,
      { contentTypes: PLAIN_TYPES, errorForm: oipErrorForm, answer: infer(name, '') },
    ]),
  );
}

function binaryHeaders(jsonLength: number): readonly string[] {
  return ['content-type', 'application/octet-stream', 'Inference-Header-Content-Length', String(jsonLength)];
}

function compressed(answer: FastAnswer, headers: IncomingHttpHeaders): FastAnswer | Promise<FastAnswer> {
  const accept = headers['accept-encoding'];
  const encoding = accept === undefined ? null : encodingFor(accept, Buffer.byteLength(answer.body));
  if (encoding === null) return answer;
  return compress(answer.body as string | Buffer, encoding).then((body) => ({
    headers: [...answer.headers, 'content-encoding', encoding, 'vary', 'accept-encoding'],
    body,
  }));
}

function requireKnownType(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'];
  if (PLAIN_TYPES.has(type)) return;
  const [media = '', ...rest] = (type as string).toLowerCase().split(';');
  const isUtf8 = rest.every((part) => !/^\s*charset=/.test(part) || /^\s*charset="?utf-?8"?\s*$/.test(part));
  const isKnown = media.trim() === 'application/json' || media.trim() === 'application/octet-stream';
  if (isKnown && isUtf8) return;
  throw new AppError(
    'CONTENT_TYPE_UNSUPPORTED',
    'Send the body as application/json in UTF-8 or as application/octet-stream',
  );
}

/** Null where the whole body is JSON. It counts what was there before any compression. */
function jsonLengthOf(headers: IncomingHttpHeaders): number | null {
  const text = headers[LENGTH_HEADER];
  if (text === undefined) return null;
  if (typeof text === 'string' && /^\d{1,15}$/.test(text)) return Number(text);
  throw new AppError('REQUEST_MALFORMED', 'Inference-Header-Content-Length is not a number of bytes');
}

function boundedHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_ID_LENGTH) : undefined;
}
