import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { JsonValue } from '../../kernel/json.ts';
import type { Fleet } from '../../serving/fleet.ts';
import type { Answer, Predictor } from '../../serving/predictor.ts';
import type { Target } from '../../serving/target.ts';
import { bytesOf } from '../byte-bodies.ts';
import { problemForm } from '../error-form.ts';
import type { FastRoute } from '../fast-lane.ts';
import { takeJson } from '../json-bodies.ts';
import { type ParsedBody, parseBody } from '../parse-body.ts';
import { answerJson, BatchJson } from './answers.ts';
import { readBatch } from './batch-body.ts';
import { contextOf, oneRow } from './request-context.ts';
import { type FindTarget, type TargetParams, targetPaths } from './target-paths.ts';

interface PredictDependencies {
  readonly fleet: Fleet;
  readonly predictor: Predictor;
  readonly clock: Clock;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const JSON_TYPES = new Set(['application/json', JSON_TYPE, 'application/json;charset=utf-8']);
const JSON_HEADERS = ['content-type', JSON_TYPE];

/** The JSON text of one answer, as the framework's route and the fast lane both make it of a body that was parsed. */
function createPredictOne({ predictor, clock }: PredictDependencies) {
  return async (
    target: Target,
    headers: IncomingHttpHeaders,
    requestId: string,
    { value, text }: Pick<ParsedBody, 'value' | 'text'>,
    receivedAt: number,
  ): Promise<string> => {
    const { row, context } = oneRow(target, headers, requestId, { value, text }, receivedAt);
    const answer = await predictor.predict(target, row, context);
    return answerJson(target, answer, clock.elapsed() - receivedAt);
  };
}

/** The paths whose target is known without a look-up: of the default endpoint, and of each endpoint and its model by name. */
export function fastPaths(deps: PredictDependencies): ReadonlyMap<string, FastRoute> {
  const { fleet } = deps;
  const predictOne = createPredictOne(deps);
  const routeTo = (find: () => Target): FastRoute => ({
    contentTypes: JSON_TYPES,
    errorForm: problemForm,
    answer: async (headers, requestId, body, receivedAt) => ({
      headers: JSON_HEADERS,
      body: await predictOne(find(), headers, requestId, parseBody(body), receivedAt),
    }),
  });
  const named = [...fleet.names()].map(
    (name) => [`/models/${name}/predict`, routeTo(() => fleet.named(name))] as const,
  );
  return new Map([['/predict', routeTo(() => fleet.default())] as const, ...named]);
}

/** `POST …/predict` and `…/predict/batch`, on each of the ways to name a target. */
export function registerPredictRoutes(app: FastifyInstance, deps: PredictDependencies): void {
  const { fleet, predictor, clock } = deps;
  const predictOne = createPredictOne(deps);
  async function answerOne(
    find: FindTarget,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const receivedAt = clock.elapsed();
    const target = await find(request.params as TargetParams);
    const body = { value: request.body as JsonValue, text: null };
    const json = await predictOne(target, request.headers, request.id, body, receivedAt);
    return sendJson(reply, json);
  }

  async function predictMany(
    find: FindTarget,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const receivedAt = clock.elapsed();
    const target = await find(request.params as TargetParams);
    const { rows, texts } = readBatch(bytesOf(request), target.served.tables);
    const context = contextOf(request.headers, request.id, receivedAt, texts);
    let json = new BatchJson(target, request.id);
    const answers = await predictor.predictBatch(target, rows, context, (place, answer) =>
      json.add(place, answer),
    );
    if (answers.some(isUnlogged)) {
      json = new BatchJson(target, request.id);
      answers.forEach((answer, place) => {
        json.add(place, answer);
      });
    }
    const failed = answers.filter((answer) => answer instanceof AppError).length;
    return sendJson(reply, json.finish(failed, clock.elapsed() - receivedAt));
  }

  const paths = targetPaths(fleet);
  for (const [path, find] of paths) app.post(path, (request, reply) => answerOne(find, request, reply));
  app.register(async (batches) => {
    takeJson(batches, (body) => body);
    for (const [path, find] of paths)
      batches.post(`${path}/batch`, (request, reply) => predictMany(find, request, reply));
  });
}

/** Known only at the end: what was written ahead does not say it. */
function isUnlogged(answer: Answer | AppError): boolean {
  return !(answer instanceof AppError) && !answer.logged;
}

function sendJson(reply: FastifyReply, json: string | Buffer): FastifyReply {
  return reply.header('content-type', JSON_TYPE).send(json);
}
