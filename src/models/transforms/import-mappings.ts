import { z } from 'zod';
import { AppError, type FieldProblem, summaryOf } from '../../kernel/errors.ts';
import { parseTransform, TRANSFORM_SCHEMA, type TransformSpec } from './spec.ts';

const name = z.string().min(1);
const mappingSchema = z.union(
  [
    z.array(z.string()).min(1),
    z.record(z.string(), z.number()).refine(hasKeys),
    z.record(z.string(), z.string()).refine(hasKeys),
  ],
  'must be {category: number}, {number: category} or a list of categories, with at least one',
);
const blockSchema = z.strictObject({
  feature_names: z.array(name).min(1),
  encoding_mappings: z.record(name, mappingSchema).default({}),
});
type Mapping = z.infer<typeof mappingSchema>;

/** A field that is encoded, and the places of its columns among the features. */
interface Encoded {
  readonly field: string;
  readonly places: readonly number[];
  readonly step: object;
  /** Name of its output; with the parts that a vector makes, those of its columns. */
  readonly output: string;
}

/**
 * A transform from what training code leaves behind: `feature_names`, the inputs of the model in their order, and
 * `encoding_mappings` by field, as they are or under `epoch004`. A feature without a mapping is a number. A mapping is
 * `{category: number}` or `{number: category}`, whose feature is called `<field>` or `<field>_encoded`, or a list of
 * categories: numbered from 0 where the feature is called so, one-hot where the features are `<field>_<category>`. An
 * unknown category is refused: nothing is said of it. TRANSFORM_INVALID lists everything that could be read in two ways.
 */
export function importMappings(document: unknown): TransformSpec {
  const parsed = blockSchema.safeParse(blockOf(document));
  if (!parsed.success) {
    throw invalid(
      parsed.error.issues.map(({ path, message }) => ({ path: z.core.toDotPath(path), message })),
    );
  }
  const { feature_names: features, encoding_mappings: mappings } = parsed.data;
  const problems: FieldProblem[] = [];
  for (const [i, feature] of features.entries()) {
    if (features.indexOf(feature) < i)
      problems.push({ path: `feature_names[${i}]`, message: `"${feature}" is there twice` });
  }
  const encoded = Object.entries(mappings).flatMap(
    ([field, mapping]) => encodingOf(field, mapping, features, problems) ?? [],
  );
  const owners = new Map<number, Encoded>();
  for (const one of encoded) {
    for (const place of one.places) {
      const other = owners.get(place);
      if (other !== undefined) {
        const message = `could be made of "${other.field}" or of "${one.field}": rename one`;
        problems.push({ path: `feature_names[${place}]`, message });
      }
      owners.set(place, one);
    }
  }
  for (const [i, feature] of features.entries()) {
    if (owners.get(i)?.field !== feature && encoded.some(({ field }) => field === feature)) {
      const message = `"${feature}" is a field with categories, and here it would be a number`;
      problems.push({ path: `feature_names[${i}]`, message });
    }
  }
  if (problems.length > 0) throw invalid(problems);

  const outputs = features.flatMap((feature, i) => {
    const owner = owners.get(i);
    if (owner === undefined) return { name: feature, from: feature };
    const { field, output, step, places } = owner;
    return places[0] === i ? { name: output, from: field, steps: [step] } : [];
  });
  const fields = outputs.map(({ from }) => ({
    name: from,
    type: Object.hasOwn(mappings, from) ? 'string' : 'number',
  }));
  return parseTransform({ schema: TRANSFORM_SCHEMA, fields, outputs });
}

function blockOf(document: unknown): unknown {
  const isNested = typeof document === 'object' && document !== null && 'epoch004' in document;
  return isNested ? document.epoch004 : document;
}

function encodingOf(
  field: string,
  mapping: Mapping,
  features: readonly string[],
  problems: FieldProblem[],
): Encoded | null {
  const path = `encoding_mappings.${field}`;
  const found: FieldProblem[] = [];
  const values = Array.isArray(mapping) ? null : numbersOf(mapping, path, found);
  const categories = values === null ? (mapping as readonly string[]) : [...values.keys()];
  found.push(...doubts(categories, path));
  const alone = [field, `${field}_encoded`].filter((feature) => features.includes(feature));
  const hot = values === null ? hotPlaces(field, categories, features) : [];
  if (alone.length + Number(hot.length > 0) > 1) {
    const names = [...alone, ...hot.map((place) => features[place] as string)];
    found.push({ path, message: `could make each of ${names.map(quoted).join(', ')}: leave one` });
  } else if (alone.length === 0 && hot.length === 0) {
    const parts = values === null ? `, nor ${quoted(`${field}_${categories[0]}`)}` : '';
    const message = `feature_names has neither ${quoted(field)} nor ${quoted(`${field}_encoded`)}${parts}`;
    found.push({ path, message });
  }
  const oneHot = hot.length > 0 ? oneHotStep(field, categories, hot, features, path, found) : null;
  problems.push(...found);
  if (found.length > 0) return null;
  if (oneHot !== null) return { field, output: field, places: hot, step: oneHot };
  const output = alone[0] as string;
  const step =
    values === null
      ? { op: 'ordinal', order: categories, fitted: { categories } }
      : { op: 'map', values: Object.fromEntries(values) };
  return { field, output, places: [features.indexOf(output)], step };
}

/** Number by category, whichever way round the mapping was written. */
function numbersOf(
  mapping: Exclude<Mapping, string[]>,
  path: string,
  problems: FieldProblem[],
): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const [key, value] of Object.entries(mapping)) {
    if (typeof value === 'number') numbers.set(key, value);
    else if (!isNumber(key)) {
      const message = 'is a text for a text: one of the two must be a number';
      problems.push({ path: `${path}.${key}`, message });
    } else if (numbers.has(value)) {
      problems.push({ path: `${path}.${key}`, message: `"${value}" has two numbers` });
    } else numbers.set(value, Number(key));
  }
  return numbers;
}

/** Categories of which the text does not say what the field holds. */
function doubts(categories: readonly string[], path: string): FieldProblem[] {
  const found: FieldProblem[] = [];
  for (const [i, category] of categories.entries()) {
    if (categories.indexOf(category) < i) found.push({ path, message: `"${category}" is there twice` });
    if (/^(nan|none|null|<na>|nat)$/i.test(category)) {
      const message = `"${category}" is a text or a missing value: rename it, or write a transform with a missing rule`;
      found.push({ path, message });
    } else if (/^(true|false)$/i.test(category) || isNumber(category)) {
      const message = `"${category}" is a text or a value of another type: write a transform that says the field's type`;
      found.push({ path, message });
    }
  }
  return found;
}

function hotPlaces(field: string, categories: readonly string[], features: readonly string[]): number[] {
  const columns = new Set(categories.map((category) => `${field}_${category}`));
  return features.flatMap((feature, i) => (columns.has(feature) ? [i] : []));
}

/** The first category may be left out, as `drop_first` does. */
function oneHotStep(
  field: string,
  listed: readonly string[],
  places: readonly number[],
  features: readonly string[],
  path: string,
  problems: FieldProblem[],
): object {
  const columns = places.map((place) => (features[place] as string).slice(field.length + 1));
  const without = listed.filter((category) => !columns.includes(category));
  if ((places.at(-1) as number) - (places[0] as number) !== places.length - 1)
    problems.push({ path, message: 'its columns do not stand together in feature_names' });
  const dropsFirst = without.length === 1 && without[0] === listed[0];
  if (without.length > 0 && !dropsFirst) {
    const names = without.map((category) => quoted(`${field}_${category}`)).join(', ');
    problems.push({
      path,
      message: `feature_names has no ${names}: only the first category may be left out`,
    });
  }
  const categories = [...without, ...columns];
  return { op: 'one_hot', ...(dropsFirst && { drop_first: true }), fitted: { categories } };
}

function hasKeys(mapping: object): boolean {
  return Object.keys(mapping).length > 0;
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}

function quoted(text: string): string {
  return `"${text}"`;
}

function invalid(problems: readonly FieldProblem[]): AppError {
  return new AppError('TRANSFORM_INVALID', summaryOf(problems, 'The mappings'), { problems });
}
