import { expect, it } from 'vitest';
import { configReference } from './config-reference.ts';
import { describeConfig } from './describe-config.ts';

it('has one row for every setting, with the right number of cells', () => {
  const rows = configReference()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows).toHaveLength(describeConfig().length);
  for (const row of rows) expect(row.split('|')).toHaveLength(7);
});

it('says environment name, type, bounds, default and secrecy', () => {
  const text = configReference();
  expect(text).toContain(
    '| `server.port` | `SLIPWAY_SERVER_PORT` | integer, at least 0, at most 65535 | `8000` | Port to listen on; 0 takes a free one |',
  );
  expect(text).toContain(
    '`SLIPWAY_AUTH_API_KEY` or `SLIPWAY_AUTH_API_KEY_FILE` | string, at least 16 characters, secret | unset |',
  );
  expect(text).toContain('| `endpoints.<name>.model` |  | string | required |');
});
