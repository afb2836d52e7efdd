import type { JsonValue } from '../../kernel/json.ts';

/** Sizes of a nested array that is not ragged. */
export function shapeOf(value: JsonValue): readonly number[] {
  return Array.isArray(value) ? [value.length, ...shapeOf(value[0] ?? null)] : [];
}
