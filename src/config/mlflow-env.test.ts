import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.ts';
import { readMlflowEnv } from './mlflow-env.ts';

const SERVER = 'https://mlflow.example';

describe('readMlflowEnv', () => {
  it('reads where the server is and who asks', () => {
    const env = {
      MLFLOW_TRACKING_URI: SERVER,
      MLFLOW_TRACKING_USERNAME: 'ann',
      MLFLOW_TRACKING_PASSWORD: 'secret',
      MLFLOW_TRACKING_SERVER_CERT_PATH: '/etc/ca.pem',
    };
    expect(readMlflowEnv(env)).toEqual({
      registry: { mlflow: { url: SERVER, username: 'ann', password: 'secret', ca_file: '/etc/ca.pem' } },
    });
    expect(readMlflowEnv({ MLFLOW_TRACKING_TOKEN: 't', MLFLOW_TRACKING_URI: SERVER })).toEqual({
      registry: { mlflow: { url: SERVER, token: 't' } },
    });
  });

  it('prefers the registry where it is another server', () => {
    const env = { MLFLOW_TRACKING_URI: SERVER, MLFLOW_REGISTRY_URI: 'http://registry.example' };
    expect(readMlflowEnv(env)).toEqual({ registry: { mlflow: { url: 'http://registry.example' } } });
  });

  it.each(['sqlite:///mlflow.db', './mlruns', 'file:///srv/mlruns', 'databricks', ''])(
    'passes over "%s", which is no server',
    (MLFLOW_TRACKING_URI) => {
      expect(readMlflowEnv({ MLFLOW_TRACKING_URI })).toEqual({});
    },
  );

  it('is the least of all layers', () => {
    const load = (text: string) =>
      loadConfig({
        file: { path: 'slipway.yaml', text },
        env: { MLFLOW_TRACKING_URI: SERVER },
        flags: {},
      }).config.registry.mlflow.url;
    expect(load('')).toBe(SERVER);
    expect(load('registry: { mlflow: { url: "http://other.example" } }')).toBe('http://other.example');
  });
});
