import { expect, it } from 'vitest';
import { redactStoreUrl } from './store-url.ts';

it.each([
  ['sqlite:data/slipway.db', 'sqlite:data/slipway.db'],
  ['postgres://db/slipway', 'postgres://db/slipway'],
  ['postgres://app@db/slipway', 'postgres://app@db/slipway'],
  ['postgresql://app:s3cret@db:5432/slipway', 'postgresql://app:***@db:5432/slipway'],
  [
    'postgres://app@db/slipway?password=s3cret&sslmode=require',
    'postgres://app@db/slipway?password=***&sslmode=require',
  ],
  ['postgres://app:s3#cret@db/x', '***'],
  ['postgres://app:5#cret@db/x', '***'],
  ['postgres://app:5/cret@db/x', '***'],
  ['postgres://app:5?cret@db/x', '***'],
  ['postgres://app:s3@cret@db/x', '***'],
  ['postgres://[bad', '***'],
])('%s is shown as %s', (url, shown) => {
  expect(redactStoreUrl(url)).toBe(shown);
});
