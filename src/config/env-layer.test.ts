import { describe, expect, it } from 'vitest';
import { readEnv } from './env-layer.ts';

const noFile = (path: string): string => {
  if (path === '/run/key') return 'from-the-file-0123\n';
  if (path === '/run/empty') return '\n';
  throw new Error('ENOENT');
};
const read = (env: Record<string, string>) => readEnv(env, noFile);

describe('readEnv', () => {
  it('parses by type', () => {
    const env = {
      SLIPWAY_SERVER_PORT: '0',
      SLIPWAY_PREDICTION_LOG_RETENTION_DAYS: '0.5',
      SLIPWAY_LOGGING_LEVEL: 'warn',
      SLIPWAY_DATA_DIR: '123',
    };
    expect(read(env)).toEqual({
      values: {
        server: { port: 0 },
        prediction_log: { retention_days: 0.5 },
        logging: { level: 'warn' },
        data_dir: '123',
      },
      problems: [],
    });
  });

  it.each([
    ['SLIPWAY_SERVER_PORT', '80 '],
    ['SLIPWAY_SERVER_PORT', '0x50'],
    ['SLIPWAY_SERVER_PORT', '8e3'],
    ['SLIPWAY_SERVER_PORT', '080'],
    ['SLIPWAY_SERVER_PORT', ''],
    ['SLIPWAY_PREDICTION_LOG_RETENTION_DAYS', 'Infinity'],
    ['SLIPWAY_LOGGING_LEVEL', 'WARN'],
    ['SLIPWAY_AUTH_API_KEY', ''],
    ['SLIPWAY_ENDPOINTS', '[]'],
    ['SLIPWAY_ENDPOINTS', '{'],
    ['SLIPWAY_AUTH_API_KEY_FILE', '/run/missing'],
    ['SLIPWAY_AUTH_API_KEY_FILE', '/run/empty'],
    ['SLIPWAY_DATA_DIR_FILE', '/run/key'],
    ['SLIPWAY_TYPO', 'x'],
  ])('refuses %s=%s and goes on', (name, value) => {
    const { values, problems } = read({ [name]: value, SLIPWAY_LOGS_DIR: 'kept' });
    expect(problems).toHaveLength(1);
    expect(values).toEqual({ logs_dir: 'kept' });
    expect(`${problems[0]?.path} ${problems[0]?.message}`).toContain(name.replace(/_FILE$/, ''));
  });

  it('takes a secret from a file, without its last newline, and not from both', () => {
    expect(read({ SLIPWAY_AUTH_API_KEY_FILE: '/run/key' }).values).toEqual({
      auth: { api_key: 'from-the-file-0123' },
    });
    const both = read({ SLIPWAY_AUTH_API_KEY_FILE: '/run/key', SLIPWAY_AUTH_API_KEY: 'x' });
    expect(both.problems[0]?.message).toContain(
      'given twice: unset SLIPWAY_AUTH_API_KEY or SLIPWAY_AUTH_API_KEY_FILE',
    );
  });

  it('lets the command line have its own variables, and Kubernetes its Services', () => {
    const env = {
      SLIPWAY_CONFIG: 'slipway.yaml',
      SLIPWAY_SERVICE_HOST: '10.0.0.1',
      SLIPWAY_SERVICE_PORT: '80',
      SLIPWAY_SERVICE_PORT_HTTP: '80',
      SLIPWAY_PORT: 'tcp://10.0.0.1:80',
      SLIPWAY_PORT_80_TCP_ADDR: '10.0.0.1',
      SLIPWAY_SERVER_SERVICE_HOST: '10.0.0.2',
      SLIPWAY_SERVER_SERVICE_PORT: '80',
      SLIPWAY_SERVER_PORT: 'tcp://10.0.0.2:80',
    };
    expect(read(env)).toEqual({ values: {}, problems: [] });
    expect(read({ ...env, SLIPWAY_SERVER_PORT: '81' }).values).toEqual({ server: { port: 81 } });
    expect(read({ SLIPWAY_PORT: '80' }).problems).toHaveLength(1);
  });
});
