import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MlflowHttp, type MlflowServer } from './mlflow-http.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const NOBODY = { token: undefined, username: undefined, password: undefined, caFile: undefined };

async function serverOf(answer: Answer, credentials: Partial<MlflowServer> = {}): Promise<MlflowHttp> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const http = new MlflowHttp({ ...NOBODY, url: `http://127.0.0.1:${port}/`, ...credentials });
  open.push(async () => {
    await http.close();
    server.closeAllConnections();
    server.close();
  });
  return http;
}

const say =
  (status: number, body: unknown): Answer =>
  (_request, response) => {
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const ask = (http: MlflowHttp) =>
  http.get('mlflow/runs/get', { run_id: 'a&b' }, z.object({ run: z.string() }));

describe('MlflowHttp', () => {
  it.each<[Partial<MlflowServer>, string | undefined]>([
    [{}, undefined],
    [{ token: 't' }, 'Bearer t'],
    [{ username: 'ann', password: 'ü:' }, `Basic ${Buffer.from('ann:ü:').toString('base64')}`],
    [{ username: 'ann' }, `Basic ${Buffer.from('ann:').toString('base64')}`],
    [{ token: 't', username: 'ann', password: 'p' }, 'Bearer t'],
  ])('says who asks: %j', async (credentials, expected) => {
    let seen: IncomingMessage | undefined;
    const http = await serverOf((request, response) => {
      seen = request;
      say(200, { run: 'r' })(request, response);
    }, credentials);
    expect(await ask(http)).toEqual({ run: 'r' });
    expect(seen?.headers.authorization).toBe(expected);
    expect(seen?.url).toBe('/api/2.0/mlflow/runs/get?run_id=a%26b');
  });

  it.each<[string, number, unknown, string, string]>([
    [
      'a model that is not there',
      404,
      { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'Registered Model x not found' },
      'MODEL_NOT_FOUND',
      'x not found',
    ],
    [
      'a version that is not there',
      404,
      { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'Model Version 7 not found' },
      'VERSION_NOT_FOUND',
      '7 not found',
    ],
    [
      'an alias that is not there',
      400,
      { error_code: 'INVALID_PARAMETER_VALUE', message: 'Registered model alias x not found.' },
      'VERSION_NOT_FOUND',
      'alias x',
    ],
    ['a caller who is not let in', 403, 'Permission denied', 'REGISTRY_UNAVAILABLE', 'MLFLOW_TRACKING_TOKEN'],
    [
      'a fault of the server',
      500,
      { error_code: 'INTERNAL_ERROR', message: 'broken' },
      'REGISTRY_UNAVAILABLE',
      'answered 500: broken',
    ],
    ['a page of somebody else', 200, '<html>', 'REGISTRY_UNAVAILABLE', 'is not JSON: is http'],
    ['another form', 200, { run: 7 }, 'REGISTRY_UNAVAILABLE', 'in a form that is not known'],
  ])('tells %s', async (_what, status, body, code, message) => {
    const http = await serverOf(say(status, body));
    await expect(ask(http)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('tells an answer that breaks off', async () => {
    const http = await serverOf((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"run"', () => response.destroy());
    });
    await expect(ask(http)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
  });

  it('tells a server that is not there', async () => {
    const http = new MlflowHttp({ ...NOBODY, url: 'http://127.0.0.1:1' });
    open.push(() => http.close());
    await expect(ask(http)).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringContaining('cannot be reached'),
    });
  });

  it('goes through all pages', async () => {
    const http = await serverOf((request, response) => {
      const token = new URL(request.url ?? '', 'http://x').searchParams.get('page_token');
      say(200, token === null ? { items: [1], next: 'two' } : { items: [2], next: '' })(request, response);
    });
    const page = z.object({ items: z.array(z.number()), next: z.string() });
    expect(await http.pages('mlflow/x', {}, page)).toEqual([1, 2]);
  });

  it('asks for the rest of a file, and says whether it got that', async () => {
    const http = await serverOf((request, response) => {
      const isPart = request.headers.range === 'bytes=2-';
      response.writeHead(isPart ? 206 : 200).end(isPart ? 'cd' : 'abcd');
    });
    const text = async (from: number) => {
      const { body, isPart } = await http.download('/file', {}, from, undefined);
      return [Buffer.concat(await body.toArray()).toString(), isPart];
    };
    expect(await text(2)).toEqual(['cd', true]);
    expect(await text(0)).toEqual(['abcd', false]);
  });
});
