import { isDeepStrictEqual } from 'node:util';
import { describeField, type Field, type Signature } from './signature.ts';

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

/**
 * What callers of the first would notice if the second answered them: a field that is gone or new and required, another
 * type or shape, a null that is no longer taken, another task or other labels. Null when they would not. Bounds and
 * categories may change: they are learnt from data.
 */
export function breakOf(before: Signature, now: Signature): string | null {
  const fields = new Map(now.fields.map((field) => [field.name, field]));
  for (const field of before.fields) {
    const reason = fieldBreak(field, fields.get(field.name));
    if (reason !== null) return reason;
    fields.delete(field.name);
  }
  const added = [...fields.values()].find((field) => field.required);
  if (added !== undefined) return `it needs a new field "${added.name}"`;
  if (before.acceptsArray && !isDeepStrictEqual(namesOf(before), namesOf(now)))
    return 'its fields have another order, and rows may be sent as lists';
  return outputBreak(before.output, now.output);
}

function fieldBreak(before: Field, now: Field | undefined): string | null {
  if (now === undefined) return `it has no field "${before.name}"`;
  if (before.type !== now.type || !isDeepStrictEqual(before.shape, now.shape))
    return `its field "${before.name}" is ${describeField(now)} and was ${describeField(before)}`;
  if (before.nullable && !now.nullable) return `its field "${before.name}" no longer takes null`;
  return !before.required && now.required ? `its field "${before.name}" is required now` : null;
}

function outputBreak(before: Signature['output'], now: Signature['output']): string | null {
  if (before.task !== now.task) return `it answers a ${now.task}, and answered a ${before.task}`;
  if (before.task !== 'classification' || now.task !== 'classification') return null;
  const sorted = (labels: typeof before.labels): string =>
    JSON.stringify([...(labels ?? [])].sort((a, b) => String(a).localeCompare(String(b))));
  if (sorted(before.labels) !== sorted(now.labels))
    return `its labels are ${sorted(now.labels)} and were ${sorted(before.labels)}`;
  return before.hasProbabilities && !now.hasProbabilities ? 'it has no probabilities any more' : null;
}

function namesOf({ fields }: Signature): readonly string[] {
  return fields.map((field) => field.name);
}
