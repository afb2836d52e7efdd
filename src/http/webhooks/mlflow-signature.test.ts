import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MlflowSignature } from './mlflow-signature.ts';

const SECRET = 'a secret of enough length';
const NOW = Date.UTC(2026, 2, 1, 10);
const BODY = Buffer.from('{"entity":"model_version_alias","action":"created","data":{"name":"risk"}}');

function signed(change: { id?: string; time?: number; secret?: string; body?: Buffer } = {}) {
  const { id = 'delivery-1', time = NOW / 1000, secret = SECRET, body = BODY } = change;
  const mac = createHmac('sha256', secret).update(`${id}.${time}.${body.toString()}`).digest('base64');
  return {
    'x-mlflow-delivery-id': id,
    'x-mlflow-timestamp': String(time),
    'x-mlflow-signature': `v1,${mac}`,
  };
}

describe('MlflowSignature', () => {
  const open = (): MlflowSignature => new MlflowSignature(SECRET, () => NOW);

  it('takes a genuine delivery once', () => {
    const signature = open();
    expect(signature.accept(signed(), BODY)).toBe(true);
    expect(signature.accept(signed(), BODY)).toBe(false);
    expect(signature.accept(signed({ id: 'delivery-2' }), BODY)).toBe(true);
  });

  it.each([
    ['another secret', signed({ secret: 'another secret, as long' })],
    ['another body', signed({ body: Buffer.from('{}') })],
    ['another id', { ...signed(), 'x-mlflow-delivery-id': 'delivery-9' }],
    ['another time', { ...signed(), 'x-mlflow-timestamp': String(NOW / 1000 + 1) }],
    ['no signature', { ...signed(), 'x-mlflow-signature': undefined }],
    ['no id', signed({ id: '' })],
    [
      'a signature of another version',
      { ...signed(), 'x-mlflow-signature': signed()['x-mlflow-signature'].replace('v1', 'v2') },
    ],
    ['six minutes ago', signed({ time: NOW / 1000 - 360 })],
    ['in six minutes', signed({ time: NOW / 1000 + 360 })],
  ])('refuses %s', (_, headers) => {
    expect(() => open().accept(headers, BODY)).toThrow(expect.objectContaining({ code: 'NOT_ALLOWED' }));
  });

  it('does not take a delivery for seen that was refused', () => {
    const signature = open();
    expect(() => signature.accept(signed({ secret: 'another secret, as long' }), BODY)).toThrow();
    expect(signature.accept(signed(), BODY)).toBe(true);
  });
});
