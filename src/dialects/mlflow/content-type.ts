import { AppError } from '../../kernel/errors.ts';

const TYPES = ['text/csv', 'application/json'] as const;
type ContentType = (typeof TYPES)[number];

/** Which of MLflow's forms a body has; no other parameter than `charset=utf-8` may stand beside it. */
export function contentTypeOf(header: string | undefined): ContentType {
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim());
  const named = parameters.map((pair) => pair.split('=', 1)[0] as string);
  const charset = parameters.findLast((pair) => pair.startsWith('charset='))?.slice('charset='.length);
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8')
    throw unsupported('The scoring server only supports UTF-8');
  const other = named.filter((name) => name !== 'charset');
  if (other.length > 0) throw unsupported(`Unrecognized content type parameters: ${other.join(', ')}.`);
  const known = TYPES.find((candidate) => candidate === type);
  if (known !== undefined) return known;
  const types = TYPES.map((candidate) => `'${candidate}'`).join(', ');
  throw unsupported(
    `This predictor only supports the following content types: Types: [${types}]. Got '${type.slice(0, 100)}'.`,
  );
}

function unsupported(message: string): AppError {
  return new AppError('CONTENT_TYPE_UNSUPPORTED', message);
}
