import { describe, expect, it } from 'vitest';
import { describeConfig, nodeAt } from './describe-config.ts';
import { envNameOf, RESERVED_ENV } from './env-names.ts';

describe('describeConfig', () => {
  it('reads type, bounds, default and secrecy off the schema', () => {
    expect(nodeAt(['server', 'port'])).toEqual({
      kind: 'option',
      path: ['server', 'port'],
      description: 'Port to listen on; 0 takes a free one',
      type: 'integer',
      values: [],
      bounds: 'at least 0, at most 65535',
      default: 8000,
      required: false,
      secret: false,
      env: 'SLIPWAY_SERVER_PORT',
      fileEnv: null,
    });
    expect(nodeAt(['auth', 'api_key'])).toMatchObject({
      secret: true,
      default: undefined,
      bounds: 'at least 16 characters',
      fileEnv: 'SLIPWAY_AUTH_API_KEY_FILE',
    });
    expect(nodeAt(['endpoints'])).toMatchObject({ kind: 'record', env: 'SLIPWAY_ENDPOINTS' });
    expect(nodeAt(['endpoints', 'any', 'model'])).toMatchObject({ required: true, env: null });
    expect(nodeAt(['server', 'nope', 'x'])).toBeUndefined();
  });

  it('gives every option a description', () => {
    for (const { path, description } of describeConfig()) {
      const free = path.at(-1) === '<name>';
      expect(free || description.length > 5, path.join('.')).toBe(true);
    }
  });

  it('gives no two settings the same variable', () => {
    const names = describeConfig().flatMap((option) => [
      option.env ?? [],
      option.kind === 'option' ? (option.fileEnv ?? []) : [],
    ]);
    const all = [...names.flat(), ...RESERVED_ENV.keys()];
    expect(all.length).toBeGreaterThan(30);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toContain(envNameOf(['prediction_log', 'fsync_interval_ms']));
  });
});
