import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { InferenceService, InferRequest } from '../../dialects/oip/protocol.ts';
import { AppError } from '../../kernel/errors.ts';
import { callerIds } from '../caller-ids.ts';
import type { AnswerBody, FastAnswer, FastRoute } from '../fast-lane.ts';
import { compress, decompress, encodingFor } from './compression.ts';
import { oipErrorForm } from './error-form.ts';
import { FamiliarBody } from './familiar-body.ts';
import { rawRequest } from './raw-request.ts';
import { readInferRequest } from './read-request.ts';
import { writeResponse } from './write-response.ts';

interface InferDependencies {
  readonly service: InferenceService;
  readonly bodyLimitBytes: number;
}

const LENGTH_HEADER = 'inference-header-content-length';
/** Bodies that are not familiar until the next is learnt: a caller of another form does not cost the others theirs at once. */
const LEARN_EVERY = 64;
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
  return (name: string, version: string, readJson = plainReadJson(name, version)): AnswerBody => {
    return async (headers, requestId, sent, receivedAt) => {
      requireKnownType(headers);
      const encoding = headers['content-encoding'];
      const body = encoding === undefined ? sent : await decompress(sent, encoding, bodyLimitBytes);
      const jsonLength = jsonLengthOf(headers);
      const request =
        jsonLength === null ? readJson(body) : await readBinary(name, version, jsonLength, body);
      const response = await service.infer(request, {
        traceId: requestId,
        ...callerIds(headers),
        receivedAt,
        dialect: 'oip-rest',
      });
      const written = writeResponse(response, request);
      const own = written.jsonLength === null ? JSON_HEADERS : binaryHeaders(written.jsonLength);
      return compressed({ headers: own, body: written.body }, headers);
    };
  };

  function readBinary(
    name: string,
    version: string,
    jsonLength: number,
    body: Buffer,
  ): InferRequest | Promise<InferRequest> {
    if (jsonLength !== 0) return readInferRequest(name, version, { body, jsonLength });
    return service.config(name, version).then((config) => rawRequest(name, version, { config, body }));
  }
}

type ReadJson = (body: Buffer) => InferRequest;

function plainReadJson(name: string, version: string): ReadJson {
  return (body) => readInferRequest(name, version, { body, jsonLength: null });
}

/** Reads what differs from a body before it in values only by its values, and learns such a body now and then. */
function familiarReadJson(name: string, version: string): ReadJson {
  const read = plainReadJson(name, version);
  let familiar: FamiliarBody | null = null;
  let misses = 0;
  return (body) => {
    const text = familiar !== null && isUtf8(body) ? body.toString('utf8') : null;
    const known = text === null ? null : (familiar?.read(text) ?? null);
    if (known !== null) return known;
    const request = read(body);
    if (misses++ % LEARN_EVERY === 0) familiar = FamiliarBody.of(body.toString('utf8'), request);
    return request;
  };
}

/** The paths of endpoints and of the models that they serve. */
export function fastInferPaths(
  names: ReadonlySet<string>,
  deps: InferDependencies,
): ReadonlyMap<string, FastRoute> {
  const infer = createInfer(deps);
  return new Map(
    [...names].map((name) => [
      `/v2/models/${name}/infer`,
      {
        contentTypes: PLAIN_TYPES,
        errorForm: oipErrorForm,
        answer: infer(name, '', familiarReadJson(name, '')),
      },
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
