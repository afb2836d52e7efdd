import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { AppError, messageOf } from '../kernel/errors.ts';

/** What a YAML or JSON file says; ARGUMENT_INVALID names the file. */
export function readDocument(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'), { maxAliasCount: 20 });
  } catch (error) {
    throw new AppError('ARGUMENT_INVALID', `${file}: ${messageOf(error)}`, { cause: error });
  }
}
