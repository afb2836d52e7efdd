import type { AnyOperation } from './operation.ts';
import { CATEGORY_OPERATIONS } from './operations/categories.ts';
import { COMBINING_OPERATIONS } from './operations/combinations.ts';
import { NUMBER_OPERATIONS } from './operations/numbers.ts';
import { TEXT_OPERATIONS } from './operations/texts.ts';
import { TIME_OPERATIONS } from './operations/times.ts';

/** The whole language, in the order of its reference page. */
export const OPERATIONS: readonly AnyOperation[] = [
  ...NUMBER_OPERATIONS,
  ...TEXT_OPERATIONS,
  ...CATEGORY_OPERATIONS,
  ...TIME_OPERATIONS,
  ...COMBINING_OPERATIONS,
];

const BY_NAME = new Map(OPERATIONS.map((operation) => [operation.name, operation]));

export function operationNamed(name: string): AnyOperation | undefined {
  return BY_NAME.get(name);
}
