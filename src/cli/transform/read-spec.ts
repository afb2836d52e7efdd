import path from 'node:path';
import { parseTransform, type TransformSpec } from '../../models/transforms/spec.ts';
import type { CliContext } from '../context.ts';
import { readDocument } from '../read-document.ts';

/** ARGUMENT_INVALID for a file that is no YAML or JSON, TRANSFORM_INVALID for one that is no transform. */
export function readSpec(context: CliContext, file: string): TransformSpec {
  return parseTransform(readDocument(path.resolve(context.cwd, file)));
}
