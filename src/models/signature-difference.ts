import { isDeepStrictEqual } from 'node:util';
import type { Signature } from './signature.ts';

/** What two signatures differ in, in words; null when they are the same. */
export function differenceOf(before: Signature, now: Signature): string | null {
  const [was, is] = [before, JSON.parse(JSON.stringify(now)) as Signature];
  const field = was.fields.findIndex((each, i) => !isDeepStrictEqual(each, is.fields[i]));
  if (field !== -1) return `its field ${field + 1} "${was.fields[field]?.name}" is not the same`;
  if (was.fields.length !== is.fields.length)
    return `it had ${was.fields.length} fields and has ${is.fields.length}`;
  if (isDeepStrictEqual(was.output, is.output))
    return isDeepStrictEqual(was, is) ? null : 'the form of a row';
  if (was.output.task !== 'classification' || is.output.task !== 'classification') return 'its output';
  const labels = (output: typeof was.output): string =>
    JSON.stringify('labels' in output ? output.labels : null);
  return labels(was.output) === labels(is.output)
    ? 'its probabilities'
    : `its labels were ${labels(was.output)} and are ${labels(is.output)}`;
}
