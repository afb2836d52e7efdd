import { describe, expect, it } from 'vitest';
import { configTemplate } from './config-template.ts';
import { describeConfig, ENTRY_NAME } from './describe-config.ts';
import { loadConfig } from './load-config.ts';

const load = (text: string) =>
  loadConfig({ file: { path: 'slipway.yaml', text }, env: {}, flags: {} }).config;
const defaults = loadConfig({ env: {}, flags: {} }).config;

describe('configTemplate', () => {
  it('loads as the defaults, with the endpoint when one is given', () => {
    expect(load(configTemplate())).toEqual(defaults);
    const text = configTemplate({ endpoint: { name: '007', model: './models: new' } });
    expect(load(text).endpoints).toEqual({
      '007': {
        model: './models: new',
        required: true,
        on_signature_change: 'refuse',
        convert: 'off',
        redact: {},
      },
    });
  });

  it('still loads as the defaults when every comment that has a value is taken in', () => {
    const text = configTemplate({ endpoint: { name: 'm', model: './model' } });
    const open = text
      .replace(/^( *)# (?!redact)([a-z_]+: \S)/gm, '$1$2')
      .replace('fsync: never', 'fsync: interval')
      .replace('enabled: false', 'enabled: true');
    expect(open.match(/^ *[a-z_]+: /gm)?.length).toBeGreaterThan(20);
    expect(load(open)).toMatchObject({
      ...defaults,
      endpoints: { m: { model: './model' } },
      grpc: { ...defaults.grpc, enabled: true },
      prediction_log: { fsync_interval_ms: 1000 },
    });
  });

  it('has every key and variable', () => {
    const text = configTemplate();
    for (const { path, env, description } of describeConfig()) {
      const key = path.at(-1) ?? '';
      if (key !== ENTRY_NAME) expect(text).toMatch(new RegExp(`^ *(# )?${key}:`, 'm'));
      if (env !== null && env !== 'SLIPWAY_ENDPOINTS') expect(text).toContain(env);
      expect(text).toContain(description);
    }
    expect(text).toContain('  # tls:\n');
  });
});
