import type { FastifyInstance } from 'fastify';
import { AppError } from '../../kernel/errors.ts';
import { isJsonObject, type JsonValue } from '../../kernel/json.ts';
import { bytesOf, takeAnyBody } from '../byte-bodies.ts';
import type { MlflowSignature } from './mlflow-signature.ts';

interface WebhookDependencies {
  readonly signature: MlflowSignature;
  /** Tells the endpoints of a model to look at once; answers with how many there are. */
  readonly nudge: (model: string) => number;
}

/**
 * `POST /webhooks/mlflow`: MLflow says that something about a registered model changed. It only makes endpoints look
 * earlier than they would: what the message says beside the model's name is never believed.
 */
export function registerMlflowWebhook(app: FastifyInstance, { signature, nudge }: WebhookDependencies): void {
  void app.register(async (webhook) => {
    takeAnyBody(webhook);
    webhook.post('/webhooks/mlflow', (request, reply) => {
      const body = bytesOf(request);
      if (!signature.accept(request.headers, body)) return reply.send({ endpoints: 0, repeated: true });
      return reply.send({ endpoints: nudge(modelOf(body)), repeated: false });
    });
  });
}

function modelOf(body: Buffer): string {
  let message: JsonValue;
  try {
    message = JSON.parse(body.toString('utf8')) as JsonValue;
  } catch {
    throw new AppError('BODY_MALFORMED', 'The body is not valid JSON');
  }
  const data = isJsonObject(message) ? message['data'] : undefined;
  const name = isJsonObject(data) ? data['name'] : undefined;
  if (typeof name === 'string') return name;
  throw new AppError('REQUEST_MALFORMED', 'The message names no registered model in data.name');
}
