import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from './load-config.ts';
import { showConfigJson, showConfigYaml } from './show-config.ts';

const loaded = loadConfig({
  file: {
    path: 's.yaml',
    text: 'endpoints: { "a.b": { model: "models:/m/Production" } }\nserver: { host: "::" }',
  },
  env: {
    SLIPWAY_AUTH_API_KEY: 'correct-horse-battery',
    SLIPWAY_PREDICTION_LOG_HASH_KEY: 'staple-staple-staple',
    SLIPWAY_STORE_URL:
      'postgres://app:tr0ub4dor@db.internal:5432/slipway?sslmode=require&sslpassword=tr0ub4dor',
  },
  flags: { server: { port: 9000 } },
});
const secrets = /horse|staple|tr0ub4dor/;

describe('showConfigYaml', () => {
  it('says the source of every leaf and hides secrets', () => {
    const text = showConfigYaml(loaded);
    expect(text).not.toMatch(secrets);
    expect(text).toContain('  port: 9000  # flag\n');
    expect(text).toContain('  host: "::"  # file\n');
    expect(text).toContain('  body_limit_bytes: 10485760  # default\n');
    expect(text).toContain('  api_key: "***"  # env SLIPWAY_AUTH_API_KEY\n');
    expect(text).toContain('postgres://app:***@db.internal:5432/slipway?sslmode=require&sslpassword=***');
  });

  it('is YAML that reads back to what is in force', () => {
    const shown = parse(showConfigYaml(loaded)) as Record<string, unknown>;
    expect(shown['endpoints']).toEqual({
      'a.b': {
        model: 'models:/m/Production',
        required: true,
        on_signature_change: 'refuse',
        convert: 'off',
        redact: {},
      },
    });
    expect(shown['serving']).toEqual(loaded.config.serving);
  });
});

it('showConfigJson holds values and sources, no secrets', () => {
  const shown = showConfigJson(loaded);
  expect(JSON.stringify(shown)).not.toMatch(secrets);
  expect(shown).toMatchObject({
    config: { auth: { api_key: '***' }, server: { port: 9000 } },
    sources: { 'server.port': 'flag', 'auth.api_key': 'env', data_dir: 'default' },
  });
});
