import { writeFileSync } from 'node:fs';

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { AppError } from '../kernel/errors.ts';
import { type ConfigInput, defaultEndpointOf, loadConfig } from './load-config.ts';

function load(text: string, rest: Partial<ConfigInput> = {}) {
  return loadConfig({ file: { path: 'slipway.yaml', text }, env: {}, flags: {}, ...rest });
}

function problemsOf(text: string, rest: Partial<ConfigInput> = {}): string[] {
  try {
    load(text, rest);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'CONFIG_INVALID') throw thrown;
    return thrown.problems.map(({ path, message }) => `${path} ${message}`);
  }
  return [];
}

describe('layers', () => {
  it('take defaults < file < environment < flags, leaf by leaf', () => {
    const { config, sources } = load('server: { port: 1, host: a, body_limit_bytes: 9 }', {
      env: { SLIPWAY_SERVER_PORT: '2', SLIPWAY_SERVER_HOST: 'b', PATH: '/bin' },
      flags: { server: { port: 3, host: undefined } },
    });
    expect(config.server).toMatchObject({
      port: 3,
      host: 'b',
      body_limit_bytes: 9,
      request_timeout_ms: 30_000,
    });
    expect(
      ['port', 'host', 'body_limit_bytes', 'request_timeout_ms'].map((key) => sources.get(`server.${key}`)),
    ).toEqual(['flag', 'env', 'file', 'default']);
  });

  it('take a record whole from the last that has it', () => {
    const { config, sources } = load('endpoints: { old: { model: m, required: false } }', {
      env: { SLIPWAY_ENDPOINTS: '{"a.b": {"model": "n"}}' },
    });
    expect(config.endpoints).toEqual({
      'a.b': { model: 'n', required: true, on_signature_change: 'refuse', convert: 'off', redact: {} },
    });
    expect(sources.get('endpoints["a.b"].model')).toBe('env');
    expect(sources.get('endpoints["a.b"].required')).toBe('default');
    expect(defaultEndpointOf(config)).toBe('a.b');
  });

  it('are all optional, and a section may be empty', () => {
    expect(loadConfig({ env: {}, flags: {} }).config.server.port).toBe(8000);
    expect(load('').config.server.port).toBe(8000);
    expect(load('server:\n  tls:\n').config.server).not.toHaveProperty('tls');
    expect(load('server:\nendpoints:\nserving: {}').config.endpoints).toEqual({});
  });
});

describe('problems', () => {
  it('come all at once, with path, line and variable', () => {
    const text = [
      'server:',
      '  port: eighty',
      '  prot: 1',
      '  body_limit_bytes: 0',
      'port: 8000',
      'endpoints:',
      '  a: { modle: x }',
      'prediction_log:',
      '  fsync: sometimes',
      'auth: 7',
      'data_dir:',
      'default_endpoint: nope',
    ].join('\n');
    expect(
      problemsOf(text, { env: { SLIPWAY_SERVER_HOTS: 'x', SLIPWAY_SERVING_DEADLINE_MS: '5s' } }),
    ).toEqual([
      'SLIPWAY_SERVER_HOTS the environment variable is set but no setting has that name; did you mean SLIPWAY_SERVER_HOST?',
      'auth must be an object, got an integer (slipway.yaml:10)',
      'data_dir is empty; give it a value or take the line out (slipway.yaml:11, env SLIPWAY_DATA_DIR)',
      'default_endpoint names no endpoint (slipway.yaml:12, env SLIPWAY_DEFAULT_ENDPOINT)',
      'endpoints.a.model is required (slipway.yaml:7)',
      'endpoints.a.modle is not a setting; did you mean model? (slipway.yaml:7)',
      'port is not a setting; did you mean server.port? (slipway.yaml:5)',
      'prediction_log.fsync must be one of never, interval, group (slipway.yaml:9, env SLIPWAY_PREDICTION_LOG_FSYNC)',
      'server.body_limit_bytes must be above 0 (slipway.yaml:4, env SLIPWAY_SERVER_BODY_LIMIT_BYTES)',
      'server.port must be a number, got a string (slipway.yaml:2, env SLIPWAY_SERVER_PORT)',
      'server.prot is not a setting; did you mean port? (slipway.yaml:3)',
      'serving.deadline_ms must be an integer in decimal digits (set by SLIPWAY_SERVING_DEADLINE_MS)',
    ]);
  });

  it('name the layer that set the value', () => {
    expect(problemsOf('server: { port: 1 }', { env: { SLIPWAY_SERVER_PORT: '70000' } })).toEqual([
      'server.port must be at most 65535 (set by SLIPWAY_SERVER_PORT)',
    ]);
    expect(problemsOf('server: { port: 1 }', { flags: { server: { port: -1 } } })).toEqual([
      'server.port must be at least 0 (set by a flag, env SLIPWAY_SERVER_PORT)',
    ]);
    expect(problemsOf('', { env: { SLIPWAY_ENDPOINTS: '{"a": {}}' } })).toEqual([
      'endpoints.a.model is required',
    ]);
  });

  it('never repeat a value', () => {
    const env = { SLIPWAY_AUTH_API_KEY: 'hunter2', SLIPWAY_STORE_URL: 'mysql://u:hunter2@h' };
    const problems = problemsOf('prediction_log: { hash_key: hunter2 }', { env });
    expect(problems).toHaveLength(3);
    expect(problems.join()).not.toContain('hunter2');
  });

  it('are bounded', () => {
    const problems = problemsOf(Array.from({ length: 500 }, (_, index) => `key${index}: 1`).join('\n'));
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toContain('and 400 problems more');
  });

  it('keep keys of the prototype harmless', () => {
    expect(problemsOf('__proto__: { x: 1 }\nendpoints: { __proto__: { model: m } }')).toEqual([
      '__proto__ is not a usable name (slipway.yaml:1)',
      '__proto__ is not a setting (slipway.yaml:1)',
      'endpoints.__proto__ is not a usable name (slipway.yaml:2)',
    ]);
    expect(problemsOf('', { env: { SLIPWAY_ENDPOINTS: '{"__proto__": {"model": "m"}}' } })).toHaveLength(1);
    expect(({} as Record<string, unknown>)['model']).toBeUndefined();
  });
});

describe('cross-field checks', () => {
  it('run although something else is wrong, and not on what is wrong', () => {
    expect(problemsOf('server: { keep_alive_timeout_ms: 30000, port: x }')).toEqual([
      'server.keep_alive_timeout_ms must be below server.shutdown_grace_ms (slipway.yaml:1, env SLIPWAY_SERVER_KEEP_ALIVE_TIMEOUT_MS)',
      'server.port must be a number, got a string (slipway.yaml:1, env SLIPWAY_SERVER_PORT)',
    ]);
    expect(problemsOf('server: { keep_alive_timeout_ms: 30000, shutdown_grace_ms: x }')).toHaveLength(1);
  });

  it('ask for the default endpoint when there are several', () => {
    const two = 'endpoints: { a: { model: m }, b: { model: n } }';
    expect(problemsOf(two)).toEqual([
      'default_endpoint must name the endpoint of POST /predict, as there are 2 (env SLIPWAY_DEFAULT_ENDPOINT)',
    ]);
    expect(defaultEndpointOf(load(`${two}\ndefault_endpoint: b`).config)).toBe('b');
    expect(problemsOf(`${two}\ndefault_endpoint: toString`)).toHaveLength(1);
  });

  it('ask for the key of hashes', () => {
    const text = 'endpoints:\n  a:\n    model: m\n    redact: { zip: hash, name: drop }\n';
    expect(problemsOf(text)).toEqual([
      'endpoints.a.redact.zip `hash` needs prediction_log.hash_key (slipway.yaml:4)',
    ]);
    expect(problemsOf(text, { env: { SLIPWAY_PREDICTION_LOG_HASH_KEY: 'k'.repeat(16) } })).toEqual([]);
  });

  it('refuse settings of gRPC while it is off, and the port of HTTP', () => {
    expect(problemsOf('grpc: { enabled: true, max_connection_age_ms: 604800001 }')).toHaveLength(1);
    expect(problemsOf('grpc: { port: 1, max_connection_age_ms: 5 }')).toEqual([
      expect.stringContaining('grpc.max_connection_age_ms has no effect unless grpc.enabled is true'),
      expect.stringContaining('grpc.port has no effect unless grpc.enabled is true'),
    ]);
    expect(problemsOf('grpc: { enabled: true, port: 7 }\nserver: { port: 7 }')).toEqual([
      expect.stringContaining('grpc.port must be another than server.port'),
    ]);
    expect(problemsOf('grpc: { enabled: true, port: 0 }\nserver: { port: 0 }')).toEqual([]);
  });

  it('refuse secrets that any server of a model would be sent', () => {
    expect(problemsOf('remote: { headers: { authorization: x } }')[0]).toContain(
      'remote.servers must name the servers',
    );
    expect(problemsOf('remote: { servers: ["models:8080"] }')[0]).toContain('must be an http or https URL');
    expect(problemsOf('remote: { servers: ["https://models:8080"], headers: { authorization: x } }')).toEqual(
      [],
    );
  });

  it('refuse an interval that has no effect', () => {
    expect(problemsOf('prediction_log: { fsync_interval_ms: 5 }')[0]).toContain('has no effect');
    expect(problemsOf('prediction_log: { fsync_interval_ms: 5, fsync: interval }')).toEqual([]);
  });

  it('look at the files of TLS', () => {
    const folder = temporaryFolder('config');
    writeFileSync(join(folder, 'cert.pem'), 'x');
    const text = `server: { tls: { cert_file: ${folder}/cert.pem, key_file: ${folder} } }`;
    expect(problemsOf(text)).toEqual([
      'server.tls.key_file names a file that cannot be read: it is not a file (slipway.yaml:1, env SLIPWAY_SERVER_TLS_KEY_FILE)',
    ]);
    expect(problemsOf('', { env: { SLIPWAY_SERVER_TLS_CERT_FILE: '/nowhere' } })[0]).toContain(
      'tls.key_file is required',
    );
  });
});
