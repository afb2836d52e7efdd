import type { z } from 'zod';
import type { FieldProblem } from '../kernel/errors.ts';
import { isJsonObject, jsonTypeOf } from '../kernel/json.ts';
import { closestKey } from './closest-name.ts';
import type { ConfigPath } from './config-path.ts';

/** A problem whose place is not yet looked up. */
export interface ConfigProblem {
  readonly path: ConfigPath;
  readonly message: string;
  readonly expected?: string;
  readonly got?: string;
}

/** What the schema says against the values, in words that never repeat a value. */
export function problemsOfIssues(issues: readonly z.core.$ZodIssue[], values: unknown): ConfigProblem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, values));
}

function problemsOfIssue(issue: z.core.$ZodIssue, values: unknown): readonly ConfigProblem[] {
  const path = issue.path.map(String);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key.slice(0, 128)],
        message: unknownKey(path, key),
      }));
    case 'invalid_type': {
      const got = jsonTypeOf(valueAt(values, path));
      const expected =
        issue.expected === 'int' ? 'integer' : String(issue.expected).replace('record', 'object');
      if (got === 'nothing') return [{ path, message: 'is required', expected }];
      if (got === 'null')
        return [{ path, message: `is empty; give it a value or take the line out`, expected, got }];
      return [{ path, message: `must be ${article(expected)}, got ${article(got)}`, expected, got }];
    }
    case 'too_small':
    case 'too_big':
      return [{ path, message: outOfBounds(issue) }];
    case 'invalid_value': {
      const expected = `one of ${issue.values.map(String).join(', ')}`;
      const got = jsonTypeOf(valueAt(values, path));
      return [{ path, message: `must be ${expected}`, expected, got }];
    }
    case 'invalid_key':
      return [{ path, message: `is not a usable name: ${issue.issues[0]?.message ?? issue.message}` }];
    default:
      return [{ path, message: issue.message }];
  }
}

function unknownKey(parent: ConfigPath, key: string): string {
  if (key === '<<') return 'merge keys are not supported; write the settings out';
  const meant = closestKey(parent, key);
  return meant === undefined ? 'is not a setting' : `is not a setting; did you mean ${meant}?`;
}

function outOfBounds(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const unit = issue.origin === 'string' ? ' characters long' : '';
  if (issue.code === 'too_big')
    return `must be ${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}${unit}`;
  if (unit !== '' && issue.minimum === 1) return 'must not be empty';
  return `must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}${unit}`;
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

/** Entries named `__proto__`, which the schema library passes over in silence. */
export function prototypeKeys(value: unknown, path: ConfigPath = []): ConfigProblem[] {
  if (!isJsonObject(value)) return [];
  return Object.keys(value).flatMap((key) => {
    if (key === '__proto__') return [{ path: [...path, key], message: 'is not a usable name' }];
    return prototypeKeys(Reflect.get(value, key), [...path, key]);
  });
}

function valueAt(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = Reflect.get(value, segment);
  }
  return value;
}

export function compareProblems(left: FieldProblem, right: FieldProblem): number {
  if (left.path === right.path) return 0;
  return left.path < right.path ? -1 : 1;
}
