import { EXIT_CODES } from '../src/cli/exit-codes.ts';
import { configReference } from '../src/config/config-reference.ts';
import { statusOf } from '../src/http/status.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../src/kernel/errors.ts';
import { transformReference } from '../src/models/transforms/transform-reference.ts';

/** The reference pages by file name. */
export function referencePages(): Readonly<Record<string, string>> {
  return {
    'configuration.md': configReference(),
    'errors.md': errorPage(),
    'transforms.md': transformReference(),
  };
}

function errorPage(): string {
  const rows = (Object.keys(ERROR_CODES) as ErrorCode[]).map((code) => {
    const error = new AppError(code, '');
    return `| \`${code}\` | ${error.title} | ${statusOf(error)} | ${EXIT_CODES[error.kind]} |`;
  });
  return `# Errors

Generated from \`src/kernel/errors.ts\`; \`npm run docs:generate\` writes it anew.

Over HTTP an error is \`application/problem+json\` (RFC 9457): \`type, title, status, detail, code, request_id\`, and for
input \`errors\`, which names every bad field at once and never repeats a value. A 5xx says nothing of what happened
inside: look for its \`request_id\` as \`trace.id\` in \`logs/app.log\`. 503 and 429 carry \`Retry-After\`.

| code | meaning | HTTP status | exit code |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
