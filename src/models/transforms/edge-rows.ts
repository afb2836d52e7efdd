import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { allowedCategories } from './compile.ts';
import type { RawField, TransformSpec } from './spec.ts';

/** Categories that no training data has. */
const UNKNOWN_TEXTS = ['', 'a category that was never seen', 'é😀'];
const FAR_NUMBERS = [0, -1e6, 1e6];
const FAR_TIMES = ['1970-01-01T00:00:00Z', '2024-02-29T23:59:59.999Z', '2100-12-31T12:30:00+05:30'];
const USUAL_TIME = '2026-03-02T10:15:00Z';

/**
 * Rows at the edges of a transform, made from a usual one: missing values, unknown categories, extremes. Not every one
 * of them has to fit the fields.
 */
export function edgeRows(spec: TransformSpec, usual: JsonObject = usualRow(spec)): readonly JsonObject[] {
  const changed = (change: (field: RawField) => JsonValue | undefined): JsonObject => {
    const entries = spec.fields.flatMap((field): [string, JsonValue][] => {
      const other = change(field);
      const value = other === undefined ? usual[field.name] : other;
      return value === undefined ? [] : [[field.name, value]];
    });
    return Object.fromEntries(entries);
  };
  const ofType = (types: readonly RawField['type'][], value: (field: RawField) => JsonValue | undefined) =>
    changed((field) => (types.includes(field.type) ? value(field) : undefined));
  const allowed = allowedCategories(spec);
  const isOptional = (field: RawField): boolean => !field.required || field.default !== undefined;
  return [
    usual,
    changed((field) => (isOptional(field) ? null : undefined)),
    ...UNKNOWN_TEXTS.map((text) => ofType(['string'], ({ name }) => (allowed.has(name) ? undefined : text))),
    ...FAR_NUMBERS.map((number) => ofType(['number', 'integer'], (field) => within(field, number))),
    ...FAR_TIMES.map((time) => ofType(['datetime'], () => time)),
    ...[true, false].map((truth) => ofType(['boolean'], () => truth)),
  ];
}

function usualRow(spec: TransformSpec): JsonObject {
  const allowed = allowedCategories(spec);
  return Object.fromEntries(
    spec.fields.map((field): [string, JsonValue] => {
      if (field.default !== undefined) return [field.name, field.default];
      if (field.type === 'string') return [field.name, allowed.get(field.name)?.[0] ?? 'a'];
      if (field.type === 'datetime') return [field.name, USUAL_TIME];
      return [field.name, field.type === 'boolean' ? true : within(field, 1)];
    }),
  );
}

function within({ minimum = -Infinity, maximum = Infinity, type }: RawField, number: number): number {
  const bounded = Math.min(Math.max(number, minimum), maximum);
  return type === 'integer' ? Math.round(bounded) : bounded;
}
