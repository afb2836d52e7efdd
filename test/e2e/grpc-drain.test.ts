import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { failureOf, GrpcClient } from '../support/grpc-client.ts';
import { type BuiltServer, startServer } from '../support/server.ts';

const ROW = [17.99, 10.38, 122.8, 1001.0, 0.12];
let directory: string;
let server: BuiltServer;
let client: GrpcClient;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'slipway-grpc-drain-'));
  server = await startServer({
    directory,
    model: 'test/models/fixtures/xgboost-binary/model.onnx',
    args: ['--grpc-port', '0', '--name', 'risk'],
  });
  client = new GrpcClient(server.grpcAddress as string);
});

afterEach(async () => {
  client.close();
  await server.kill();
  await rm(directory, { recursive: true, force: true });
});

function row(id: string): { readonly [name: string]: unknown } {
  const contents = { fp32_contents: ROW };
  return { model_name: 'risk', id, inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 5], contents }] };
}

/** Ids of the requests that were answered, as the log has them. */
function logged(): string[] {
  const logs = path.join(directory, 'logs');
  return readdirSync(logs)
    .filter((name) => /^predictions-/.test(name))
    .flatMap((name) => readFileSync(path.join(logs, name), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as { id?: string; 'event.outcome'?: string })
    .flatMap(({ id, 'event.outcome': outcome }) => (outcome === 'ok' && id !== undefined ? [id] : []));
}

it('answers what it took, tells who watches, and ends with 0 at SIGTERM', async () => {
  const watch = client.watch('grpc.health.v1.Health/Watch', {});
  expect(await once(watch, 'data')).toEqual([{ status: 'SERVING' }]);
  const told = once(watch, 'data');
  const watched = once(watch, 'error');
  const stream = client.stream('ModelStreamInfer');
  const streamed: string[] = [];
  const failures: string[] = [];
  stream.on('data', ({ error_message, infer_response }) => {
    streamed.push((infer_response as { id: string }).id);
    if (error_message !== '') failures.push(String(error_message));
  });
  const closed = once(stream, 'error');
  for (let i = 0; i < 100; i++) stream.write(row(`stream-${i}`));

  const answered: string[] = [];
  const refused: number[] = [];
  let term: Promise<unknown> | undefined;
  const callers = Array.from({ length: 16 }, async (_, caller) => {
    for (let i = 0; refused.length < 16 * 4; i++) {
      const id = `call-${caller}-${i}`;
      const call = client.call('ModelInfer', row(id));
      await call.then(
        () => answered.push(id),
        (error: { code: number }) => refused.push(error.code),
      );
      if (answered.length >= 200) term ??= server.terminate();
    }
  });
  await Promise.all(callers);
  expect(await told).toEqual([{ status: 'NOT_SERVING' }]);
  for (const [error] of [await watched, await closed])
    expect(error).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('is shutting down'),
    });
  expect(await term).toEqual({ code: 0, signal: null });
  expect(new Set(refused)).toEqual(new Set([status.UNAVAILABLE]));
  expect(failures).toEqual([]);
  expect(streamed).toEqual(streamed.map((_, i) => `stream-${i}`));
  expect(logged().sort()).toEqual([...answered, ...streamed].sort());
  expect((await failureOf(client.call('ServerLive', {}))).code).toBe(status.UNAVAILABLE);
});
