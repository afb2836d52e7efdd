import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { DUCKDB_PACKAGE } from './duckdb.ts';

it('tells to install the version that package.json has', () => {
  const file = path.resolve(import.meta.dirname, '../../../package.json');
  const { optionalDependencies } = JSON.parse(readFileSync(file, 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  expect(DUCKDB_PACKAGE).toBe(`@duckdb/node-api@${optionalDependencies['@duckdb/node-api']}`);
});
