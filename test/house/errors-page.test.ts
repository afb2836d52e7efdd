import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { statusOf } from '../../src/http/status.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../../src/kernel/errors.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/reference/errors.md'), 'utf8');
const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (.+?) \| (\d+) \| (\d+) \|$/gm)].map((match) =>
  match.slice(1),
);

it('has a row for each code, and a code for each row', () => {
  expect(rows.map(([code]) => code)).toEqual(Object.keys(ERROR_CODES));
  expect(page.match(/^\| `/gm)).toHaveLength(rows.length);
});

it('has the title, status and exit code of each', () => {
  for (const [code, title, status, exit] of rows) {
    const error = new AppError(code as ErrorCode, '');
    expect([title, Number(status), Number(exit)]).toEqual([
      error.title,
      statusOf(error),
      EXIT_CODES[error.kind],
    ]);
  }
});
