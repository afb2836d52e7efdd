import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BuiltServer, root, SALES_MODEL, startServer } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TEXT = 'hello world. She bought five books.';
let server: BuiltServer;

beforeAll(async () => {
  server = await startServer({
    directory: temporaryFolder('stream'),
    config: {
      default_endpoint: 'translate',
      endpoints: {
        translate: { model: path.join(root, 'examples/translation-en-hi/model') },
        sales: { model: path.join(root, SALES_MODEL) },
      },
    },
  });
}, 60_000);

afterAll(() => server.terminate());

interface Event {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

function post(at: string, body: string): Promise<Response> {
  return fetch(`${server.url}${at}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
}

/** The events of a stream that has ended (WHATWG HTML, section 9.2.6). */
function eventsOf(text: string): readonly Event[] {
  return text
    .trim()
    .split('\n\n')
    .map((block) => {
      const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
      return { event: fields.get('event') ?? '', data: JSON.parse(fields.get('data') ?? 'null') };
    });
}

function logged(name: 'event.id' | 'id', id: unknown): Record<string, unknown> | undefined {
  return readFileSync(path.join(server.directory, 'logs/predictions.log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find((line) => line[name] === id);
}

describe('POST /predict/stream', () => {
  it('hands on the pieces of what /predict answers, and then the answer, which is in the log', async () => {
    const whole = (await (await post('/predict', JSON.stringify({ text: TEXT }))).json()) as {
      translation: string;
    };
    const reply = await post('/predict/stream', JSON.stringify({ text: TEXT }));
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = eventsOf(await reply.text());
    const answer = events.at(-1);
    const pieces = events.slice(0, -1);
    expect(answer?.event).toBe('answer');
    expect(answer?.data).toMatchObject({ translation: whole.translation, truncated: false });
    expect(new Set(pieces.map(({ event }) => event))).toEqual(new Set(['piece']));
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.map(({ data }) => data['text']).join('')).toBe(whole.translation);
    expect(logged('event.id', answer?.data['prediction_id'])).toMatchObject({
      input: { text: TEXT },
      prediction: whole.translation,
      text: { truncated: false },
    });
  });

  it.each([
    ['/predict/stream', '{"text": 1}', 422, 'INPUT_INVALID'],
    ['/predict/stream', '{', 400, 'BODY_MALFORMED'],
    ['/models/sales/predict/stream', '{}', 422, 'REQUEST_INVALID'],
    ['/models/none/predict/stream', '{}', 404, 'MODEL_NOT_FOUND'],
  ])('says what is wrong before the first piece: %s %s', async (at, body, status, code) => {
    const reply = await post(at, body);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect([reply.status, ((await reply.json()) as { code: string }).code]).toEqual([status, code]);
  });

  it('is written down as left when its caller hangs up, and the next is answered', async () => {
    const body = JSON.stringify({ text: Array.from({ length: 400 }, () => TEXT).join(' ') });
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      `POST /predict/stream HTTP/1.1\r\nhost: a\r\nx-correlation-id: left\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await vi.waitFor(() => expect(logged('id', 'left')).toMatchObject({ 'error.code': 'CALLER_GONE' }), {
      timeout: 20_000,
    });
    const reply = await post('/predict/stream', JSON.stringify({ text: 'hello' }));
    expect(eventsOf(await reply.text()).at(-1)?.data['translation']).toBe('नमस्ते');
  });

  it('is in /openapi.json for models that make texts, and for no others', async () => {
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(paths).filter((each) => each.endsWith('/stream'))).toEqual([
      '/predict/stream',
      '/models/translate/predict/stream',
    ]);
  });
});
