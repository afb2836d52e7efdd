import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { SALES_MODEL, startServer } from '../support/server.ts';
import { createClient } from './client.ts';
import { salesRow } from './load.ts';
import { type Held, inTemporaryDirectory, seeded } from './proof.ts';

const KEY = 'a-key-that-nobody-guesses';

/** TLS, the API key, and what may be changed without one. */
export async function proveAccess(): Promise<readonly Held[]> {
  return [
    ...(await inTemporaryDirectory(proveTlsAndKey)),
    ...(await inTemporaryDirectory(proveLoopbackOnly)),
  ];
}

async function proveTlsAndKey(directory: string): Promise<readonly Held[]> {
  const [cert, key] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
  const options =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost -addext';
  const made = spawnSync('openssl', [
    ...options.split(' '),
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout',
    key,
    '-out',
    cert,
  ]);
  if (made.status !== 0)
    return [{ bar: 'access: TLS', figure: 'SKIPPED: a certificate needs openssl', held: true }];
  const server = await startServer({
    directory,
    model: SALES_MODEL,
    config: { server: { tls: { cert_file: 'cert.pem', key_file: 'key.pem' } }, auth: { api_key: KEY } },
  });
  const client = createClient(server.url);
  const ca = readFileSync(cert);
  const body = { features: salesRow(seeded(1)) };
  const predictWith = async (headers: Record<string, string>): Promise<number> =>
    (await client.post('/predict', body, { ca, headers })).status;
  const statuses = {
    without: await predictWith({}),
    wrong: await predictWith({ 'x-api-key': `${KEY}x` }),
    wrongBearer: await predictWith({ authorization: 'Bearer nope' }),
    basic: await predictWith({ authorization: `Basic ${KEY}` }),
    header: await predictWith({ 'x-api-key': KEY }),
    bearer: await predictWith({ authorization: `Bearer ${KEY}` }),
    batchWithout: (await client.post('/predict/batch', { instances: [] }, { ca })).status,
    feedbackWithout: (await client.post('/feedback', { id: 'a', actual: 1 }, { ca })).status,
    feedbackWith: (
      await client.post('/feedback', { id: 'a', actual: 1 }, { ca, headers: { 'x-api-key': KEY } })
    ).status,
    models: (await client.get('/models', { ca })).status,
    metrics: (await client.get('/metrics', { ca })).status,
    health: (await client.get('/health', { ca })).status,
    ready: (await client.get('/health/ready', { ca })).status,
    live: (await client.get('/health/live', { ca })).status,
  };
  const untrusted = await client.get('/health').catch((error: Error) => error.message);
  client.close();
  const plain = await createClient(server.url.replace('https:', 'http:'))
    .get('/health')
    .then(
      (reply) => String(reply.status),
      () => 'no answer',
    );
  const exit = await server.terminate();
  return [
    same('access: TLS with a key: who gets in', statuses, {
      without: 401,
      wrong: 401,
      wrongBearer: 401,
      basic: 401,
      header: 200,
      bearer: 200,
      batchWithout: 401,
      feedbackWithout: 401,
      feedbackWith: 200,
      models: 401,
      metrics: 401,
      health: 200,
      ready: 200,
      live: 200,
    }),
    {
      bar: 'access: TLS: an unknown authority is noticed, plain HTTP gets nothing, the end is clean',
      figure: `${String(untrusted)}; plain: ${plain}; exit ${exit.code}`,
      held: typeof untrusted === 'string' && plain !== '200' && exit.code === 0,
    },
  ];
}

async function proveLoopbackOnly(directory: string): Promise<readonly Held[]> {
  const server = await startServer({ directory, model: SALES_MODEL, args: ['--host', '0.0.0.0'] });
  const local = createClient(`http://127.0.0.1:${server.port}`);
  const label = { id: 'a', actual: 1 };
  const feedbackWith = async (headers: Record<string, string>): Promise<number> =>
    (await local.post('/feedback', label, { headers })).status;
  const statuses: Record<string, number> = {
    local: await feedbackWith({}),
    forwarded: await feedbackWith({ 'x-forwarded-for': '203.0.113.9' }),
    forwardedStandard: await feedbackWith({ forwarded: 'for=203.0.113.9' }),
    reboundName: await feedbackWith({ host: 'evil.example:8000' }),
    predictForwarded: (
      await local.post(
        '/predict',
        { features: salesRow(seeded(1)) },
        { headers: { 'x-forwarded-for': '203.0.113.9' } },
      )
    ).status,
  };
  local.close();
  const expected: Record<string, number> = {
    local: 200,
    forwarded: 403,
    forwardedStandard: 403,
    reboundName: 403,
    predictForwarded: 200,
  };
  const own = ownAddress();
  if (own !== null) {
    const remote = createClient(`http://${own}:${server.port}`);
    statuses['remoteFeedback'] = (await remote.post('/feedback', label)).status;
    statuses['remoteFeedbackAsLocalhost'] = (
      await remote.post('/feedback', label, { headers: { host: 'localhost' } })
    ).status;
    statuses['remoteHealth'] = (await remote.get('/health')).status;
    Object.assign(expected, { remoteFeedback: 403, remoteFeedbackAsLocalhost: 403, remoteHealth: 200 });
    remote.close();
  }
  await server.terminate();
  const where = own === null ? ' (this machine has no address beside loopback)' : '';
  return [same(`access: without a key labels are taken from this machine only${where}`, statuses, expected)];
}

function same(bar: string, got: Record<string, number>, expected: Record<string, number>): Held {
  const wrong = Object.keys(expected).filter((name) => got[name] !== expected[name]);
  const figure = Object.entries(got)
    .map(([name, status]) => `${name} ${status}${wrong.includes(name) ? ` (not ${expected[name]})` : ''}`)
    .join(', ');
  return { bar, figure, held: wrong.length === 0 };
}

/** This machine's own IPv4 address that is not loopback. */
function ownAddress(): string | null {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? null;
}
