import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  answer,
  type Behaviour,
  babble,
  dribble,
  FaultyPeer,
  hang,
  reset,
  status,
  tear,
} from '../../../../test/support/faulty-peer.ts';
import { freePort } from '../../../../test/support/free-port.ts';
import { HandClock } from '../../../../test/support/serving-fakes.ts';
import { systemClock } from '../../../kernel/clock.ts';
import { AppError } from '../../../kernel/errors.ts';
import { silentLogger } from '../../../kernel/logger.ts';
import type { DeclaredModel, ModelArtifact, RuntimeModel } from '../runtime.ts';
import { type RemoteOptions, RemoteRuntime } from './remote-runtime.ts';

const OPTIONS: RemoteOptions = {
  timeoutMs: 10_000,
  connectTimeoutMs: 2_000,
  retries: 0,
  breakerFailures: 100,
  breakerOpenMs: 60_000,
  servers: [],
  headers: {},
};
const NOTHING: DeclaredModel = {
  inputs: null,
  outputs: null,
  params: [],
  task: null,
  labels: null,
  positiveLabel: null,
};
/** Short, for tests in which it must pass. */
const SOON_MS = 150;

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function startPeer(port?: number): Promise<FaultyPeer> {
  const peer = await FaultyPeer.start(port);
  open.push(() => peer.stop());
  return peer;
}

function artifactOf(url: string, declared: Partial<DeclaredModel> = {}): ModelArtifact {
  const content = Buffer.from(JSON.stringify({ url, model: 'double' }));
  return {
    format: 'remote',
    flavor: 'remote',
    entry: 'remote.json',
    files: new Map([['remote.json', content]]),
    declared: { ...NOTHING, ...declared },
    origin: { registry: 'embedded', digest: null },
  };
}

async function load(
  peer: FaultyPeer,
  options: Partial<RemoteOptions> = {},
  { clock = systemClock, logger = silentLogger, declared = {} } = {},
): Promise<RuntimeModel> {
  const runtime = new RemoteRuntime({ ...OPTIONS, ...options }, { clock, logger });
  const model = await runtime.load(artifactOf(peer.url, declared));
  open.push(() => model.release());
  return model;
}

const rows = (...values: readonly number[]) => values.map((x) => ({ x }));
const predictions = async (model: RuntimeModel, ...values: readonly number[]) =>
  (await model.run(rows(...values))).map(({ prediction }) => prediction);

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => new Error('it was answered'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw error;
}

describe('loading', () => {
  it('binds what the server says of the model', async () => {
    const peer = await startPeer();
    const model = await load(peer);
    expect(model.signature).toMatchObject({
      fields: [{ name: 'x', type: 'float32', shape: [], required: true, nullable: false }],
      output: { task: 'regression' },
    });
    expect(await predictions(model, 1, 2.5, -4)).toEqual([2, 5, -8]);
  });

  it('takes the names of columns and the rows of a request from a server that says them', async () => {
    const peer = await startPeer();
    peer.server = { name: 'slipway', version: '1', extensions: ['model_configuration'] };
    peer.config = { max_batch_size: 8 };
    peer.metadata = {
      name: 'double',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
      properties: { columns: '["age","income"]' },
    };
    const model = await load(peer);
    expect(model.maxRows).toBe(8);
    expect(model.signature.fields.map(({ name }) => name)).toEqual(['age', 'income']);
    expect(model.signature.acceptsArray).toBe(true);
  });

  it('sends the headers of the configuration, and not in place of its own', async () => {
    const peer = await startPeer();
    const model = await load(peer, { headers: { Authorization: 'Bearer t', 'Content-Type': 'text/plain' } });
    await predictions(model, 1);
    expect(peer.headers.every(({ authorization }) => authorization === 'Bearer t')).toBe(true);
    expect(peer.headers.at(-1)?.['content-type']).toBe('application/json');
  });

  it('asks no server that nobody allowed', async () => {
    const peer = await startPeer();
    const error = await failureOf(
      load(peer, { servers: ['https://models:8080'], headers: { authorization: 'x' } }),
    );
    expect([error.code, error.message]).toEqual([
      'MODEL_UNSUPPORTED',
      `The model names ${peer.url}, which is not one of remote.servers`,
    ]);
    expect(peer.headers).toEqual([]);
    await load(peer, { servers: ['https://models:8080', `${peer.url}/`] });
  });

  it('says which server is away', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const runtime = new RemoteRuntime(OPTIONS, { clock: systemClock, logger: silentLogger });
    const error = await failureOf(runtime.load(artifactOf(url)));
    expect([error.code, error.message]).toEqual([
      'REMOTE_FAILED',
      expect.stringContaining(`${url}/v2/models/double cannot be reached: `),
    ]);
  });

  it('says that something else listens there', async () => {
    const peer = await startPeer();
    peer.metadata = { hello: 'world' };
    expect((await failureOf(load(peer))).message).toMatch(/answered what the protocol does not say: name/);
  });

  it('refuses a signature that the server does not have', async () => {
    const peer = await startPeer();
    const inputs = [{ name: 'z', type: 'float', required: true, shape: null }];
    expect((await failureOf(load(peer, {}, { declared: { inputs } }))).code).toBe('SIGNATURE_MISMATCH');
  });
});

describe('a run', () => {
  it.each<[string, Behaviour, string]>([
    ['is torn', tear, 'its answer broke off'],
    ['is no HTTP', babble, 'broke off'],
    ['is reset', reset, 'cannot be reached'],
    ['is garbage', status(200, '<html>'), 'its answer is not JSON'],
    ['is of another model', status(200, { outputs: [] }), 'has no output "y"'],
    ['is a redirect', status(302, '', { location: 'http://elsewhere/' }), 'redirects are not followed'],
    ['is a refusal', status(404), 'answered 404'],
    ['is that it has no time', status(503), 'answered 503'],
    ['is about the row', status(400), 'answered 400'],
  ])('whose answer %s is REMOTE_FAILED', async (_, behaviour, reason) => {
    const peer = await startPeer();
    const model = await load(peer);
    peer.next(behaviour);
    const error = await failureOf(model.run(rows(1)));
    expect([error.code, error.kind, error.message]).toEqual([
      'REMOTE_FAILED',
      'bad_remote',
      expect.stringContaining(reason),
    ]);
    expect(error.message).not.toContain('secret');
    expect(peer.infers).toBe(1);
    expect(await predictions(model, 1)).toEqual([2]);
  });

  it('whose rows the model there cannot take may be asked for in halves', async () => {
    const peer = await startPeer();
    const model = await load(peer, { breakerFailures: 1 });
    for (const code of [400, 422, 500]) {
      peer.next(status(code));
      expect((await failureOf(model.run(rows(1, 2)))).code).toBe('INFERENCE_FAILED');
    }
    expect(await predictions(model, 1)).toEqual([2]);
  });

  it('is not asked for in halves without end where the model there takes nothing', async () => {
    const peer = await startPeer();
    const model = await load(peer);
    peer.next(...Array.from({ length: 257 }, () => status(500)));
    const codes = new Set<string>();
    for (let i = 0; i < 256; i++) codes.add((await failureOf(model.run(rows(1, 2)))).code);
    expect([...codes]).toEqual(['INFERENCE_FAILED', 'REMOTE_FAILED']);
    expect((await failureOf(model.run(rows(1, 2)))).code).toBe('REMOTE_FAILED');
    expect(await predictions(model, 1)).toEqual([2]);
    peer.next(status(500));
    expect((await failureOf(model.run(rows(1, 2)))).code).toBe('INFERENCE_FAILED');
  });

  it.each<[string, Behaviour]>([
    ['hangs', hang],
    ['sends its answer for ever', dribble],
  ])('ends at its deadline where the server %s', async (_, behaviour) => {
    const peer = await startPeer();
    const model = await load(peer, { timeoutMs: SOON_MS, retries: 5 });
    peer.next(behaviour);
    expect((await failureOf(model.run(rows(1)))).code).toBe('DEADLINE_EXCEEDED');
    expect(peer.infers).toBe(1);
  });

  it('with a number that JSON does not have is sent to nobody', async () => {
    const peer = await startPeer();
    const model = await load(peer);
    const error = await failureOf(model.runVectors(Float32Array.of(1, Number.NaN), 2));
    expect([error.code, peer.infers]).toEqual(['INFERENCE_FAILED', 0]);
  });

  it('of rows of several shapes asks once for each', async () => {
    const peer = await startPeer();
    peer.metadata = {
      name: 'sum',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
    };
    const model = await load(peer);
    const sum: Behaviour = (response, body) => {
      const [{ shape, data }] = JSON.parse(body.toString()).inputs;
      const width = shape[1];
      const sums = Array.from({ length: shape[0] }, (__, row) =>
        data.slice(row * width, (row + 1) * width).reduce((a: number, b: number) => a + b, 0),
      );
      const outputs = [{ name: 'y', datatype: 'FP32', shape: [shape[0]], data: sums }];
      status(200, { outputs })(response, body);
    };
    peer.next(sum, sum);
    const outputs = await model.run([{ x: [1, 2] }, { x: [3] }, { x: [4, 5] }]);
    expect(outputs.map(({ prediction }) => prediction)).toEqual([3, 3, 9]);
    expect(peer.infers).toBe(2);
  });
});

describe('trying again', () => {
  it.each<[string, Behaviour]>([
    ['reset the connection', reset],
    ['had no time', status(503)],
  ])('is safe where the server %s', async (_, behaviour) => {
    const peer = await startPeer();
    const model = await load(peer, { retries: 2 });
    peer.next(behaviour, behaviour);
    expect(await predictions(model, 3)).toEqual([6]);
    expect(peer.infers).toBe(3);
  });

  it('ends after so many times', async () => {
    const peer = await startPeer();
    const model = await load(peer, { retries: 1 });
    peer.next(reset, reset, answer);
    expect((await failureOf(model.run(rows(1)))).code).toBe('REMOTE_FAILED');
    expect(peer.infers).toBe(2);
  });

  it.each<[string, Behaviour]>([
    ['answered in part', tear],
    ['said what is wrong', status(500)],
    ['asks for more time than is left', status(503, '', { 'retry-after': '30' })],
  ])('is not done where the server %s', async (_, behaviour) => {
    const peer = await startPeer();
    const model = await load(peer, { retries: 5 });
    peer.next(behaviour);
    expect((await failureOf(model.run(rows(1)))).code).toBe('REMOTE_FAILED');
    expect(peer.infers).toBe(1);
  });
});

describe('a server that does not answer', () => {
  it('is left alone after so many failures, and asked again by one run when its time is over', async () => {
    const peer = await startPeer();
    const clock = new HandClock();
    const model = await load(peer, { breakerFailures: 2, breakerOpenMs: 30_000 }, { clock });
    peer.next(reset, reset);
    await failureOf(model.run(rows(1)));
    await failureOf(model.run(rows(1)));
    const error = await failureOf(model.run(rows(1)));
    expect([error.code, error.kind, error.retryAfterSeconds]).toEqual(['NOT_READY', 'unavailable', 30]);
    expect(error.message).not.toContain('127.0.0.1');
    expect(peer.infers).toBe(2);
    clock.advance(30_000);
    expect(await predictions(model, 4)).toEqual([8]);
    expect(model.health?.()).toEqual({ status: 'ok', reason: null });
  });

  it('is not tried again once the breaker is open', async () => {
    const peer = await startPeer();
    const model = await load(peer, { breakerFailures: 2, retries: 5 });
    peer.next(reset, reset, answer);
    expect((await failureOf(model.run(rows(1)))).code).toBe('REMOTE_FAILED');
    expect(peer.infers).toBe(2);
  });

  it('tells its health, and the log of its going and coming', async () => {
    const peer = await startPeer();
    const clock = new HandClock();
    const warn = vi.fn();
    const info = vi.fn();
    const logger = { ...silentLogger, warn, info };
    const model = await load(peer, { breakerFailures: 1, breakerOpenMs: 20 }, { clock, logger });
    expect(model.health?.()).toEqual({ status: 'ok', reason: null });
    peer.next(status(404));
    await failureOf(model.run(rows(1)));
    expect(model.health?.()).toEqual({
      status: 'degraded',
      reason: expect.stringMatching(
        /^http:.*\/v2\/models\/double \(peer 1\.0\) failed 1 times: answered 404 \(circuit breaker open\)$/,
      ),
    });
    peer.isReady = false;
    await vi.waitFor(() => expect(model.health?.().status).toBe('down'));
    expect(model.health?.().reason).toMatch(/is not ready: answered 400/);
    peer.isReady = true;
    await vi.waitFor(() => expect(model.health?.().status).toBe('degraded'));
    clock.advance(20);
    await predictions(model, 1);
    expect(model.health?.().status).toBe('ok');
    expect(warn.mock.calls.map(([message]) => message)).toEqual([
      expect.stringContaining('answered 404: {"error":"the secret of the server"}'),
      expect.stringContaining('is left alone after 1 failures'),
    ]);
    expect(info).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('answers again'), expect.anything());
  });

  it('comes back on its own port', async () => {
    const peer = await startPeer();
    const { port } = peer;
    const model = await load(peer, { breakerFailures: 1, breakerOpenMs: 10 });
    await peer.stop();
    open.splice(0, 1);
    expect((await failureOf(model.run(rows(1)))).code).toBe('REMOTE_FAILED');
    await vi.waitFor(() => expect(model.health?.().status).toBe('down'));
    await startPeer(port);
    await vi.waitFor(async () => expect(await predictions(model, 1)).toEqual([2]));
    expect(model.health?.().status).toBe('ok');
  });
});
