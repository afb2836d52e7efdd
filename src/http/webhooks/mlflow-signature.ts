import { createHmac, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../kernel/errors.ts';

/** How far the clocks of two machines, and a delivery that was retried, may be apart. */
const MAX_AGE_MS = 5 * 60_000;
const REMEMBERED = 10_000;

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Whether a delivery came from who has the secret, now and for the first time (mlflow.org/docs: webhooks; `v1`: HMAC-SHA-256
 * in Base64 over id, time and body).
 */
export class MlflowSignature {
  readonly #secret: string;
  readonly #now: () => number;
  readonly #seen = new Set<string>();

  /** `now`: Unix milliseconds. */
  constructor(secret: string, now: () => number) {
    this.#secret = secret;
    this.#now = now;
  }

  /** False for a delivery that was taken already; NOT_ALLOWED when it is not genuine, or too old. */
  accept(headers: Headers, body: Buffer): boolean {
    const id = textOf(headers['x-mlflow-delivery-id']);
    const time = textOf(headers['x-mlflow-timestamp']);
    const given = textOf(headers['x-mlflow-signature']);
    const expected = `v1,${createHmac('sha256', this.#secret).update(`${id}.${time}.`).update(body).digest('base64')}`;
    if (id === '' || !/^\d{1,12}$/.test(time) || !isEqual(given, expected))
      throw new AppError(
        'NOT_ALLOWED',
        'The signature of the webhook is not that of registry.mlflow.webhook_secret',
      );
    if (Math.abs(this.#now() - Number(time) * 1000) > MAX_AGE_MS)
      throw new AppError('NOT_ALLOWED', 'The webhook is older than five minutes, or the clocks disagree');
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.values().next().value ?? '');
    return true;
  }
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function textOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}
