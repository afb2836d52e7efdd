import type { AppError, FieldProblem } from '../../kernel/errors.ts';

const SHOWN = 20;

/**
 * What the caller is told in one sentence a fault, since the protocol's errors are a text alone; of what broke inside
 * only that it did.
 */
export function errorText(error: AppError, requestId: string): string {
  if (error.isHidden) return `${error.title}: the server log has the reason under ${requestId}`;
  const { problems } = error;
  if (problems.length === 0) return error.message.slice(0, 1000);
  const rest = problems.length > SHOWN ? `; and ${problems.length - SHOWN} more` : '';
  return `${error.title}: ${problems.slice(0, SHOWN).map(textOf).join('; ')}${rest}`;
}

function textOf({ path, message, expected, got }: FieldProblem): string {
  const wanted =
    expected === undefined ? '' : ` (takes ${expected}${got === undefined ? '' : `, got ${got}`})`;
  const given = expected === undefined && got !== undefined ? ` (got ${got})` : '';
  return `${path === '' ? 'the request' : path} ${message}${wanted}${given}`;
}
