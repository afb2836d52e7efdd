import { createHash } from 'node:crypto';
import { transform as stripTypes } from 'sucrase';
import { z } from 'zod';
import { AppError, messageOf, summaryOf } from '../../kernel/errors.ts';
import type { RowTransform } from '../row-transform.ts';
import { edgeRows } from './edge-rows.ts';
import { fieldsOf } from './signature-fields.ts';
import { rawFieldSchema, type TransformSpec } from './spec.ts';

type TransformRawInput = (raw: Readonly<Record<string, unknown>>) => ArrayLike<number>;

const moduleSchema = z.object({
  fields: z.array(rawFieldSchema).min(1),
  columns: z.array(z.string().min(1)).min(1),
  transformRawInput: z.custom<TransformRawInput>((value) => typeof value === 'function', 'is no function'),
});

/** JavaScript of a TypeScript file; TRANSFORM_INVALID with the place of what cannot be read. */
export function javaScriptOf(typeScript: string): string {
  try {
    return stripTypes(typeScript, { transforms: ['typescript'], disableESTransforms: true }).code;
  } catch (error) {
    throw new AppError('TRANSFORM_INVALID', `The transform is not valid TypeScript: ${messageOf(error)}`);
  }
}

/**
 * The way out of the language of operations: one JavaScript module that exports `fields` (as a document has them),
 * `columns`, and `transformRawInput(raw)`, which answers one number for each column. It may import what comes with Node
 * and nothing else, gets a row of its own that passed the check of its fields, and runs in this process.
 * TRANSFORM_INVALID lists what the module lacks.
 */
export async function loadUserCode(javaScript: string): Promise<RowTransform> {
  const { fields, columns, transformRawInput } = await importModule(javaScript);
  const spec: TransformSpec = { target: undefined, fields, outputs: [] };
  return {
    fields: fieldsOf(spec),
    columns,
    fingerprint: createHash('sha256').update(javaScript).digest('hex'),
    executesCode: true,
    originOf: () => 'transformRawInput',
    edgeRows: (usual) => edgeRows(spec, usual),
    encode(row, out, at) {
      const numbers = transformRawInput({ ...row });
      if (numbers?.length !== columns.length) {
        throw new AppError('INFERENCE_FAILED', `transformRawInput must answer ${columns.length} numbers`);
      }
      for (let i = 0; i < columns.length; i++) {
        const number = numbers[i];
        if (typeof number !== 'number')
          throw new AppError('INFERENCE_FAILED', `transformRawInput gave no number for "${columns[i]}"`);
        out[at + i] = number;
      }
    },
  };
}

async function importModule(javaScript: string): Promise<z.infer<typeof moduleSchema>> {
  let loaded: unknown;
  try {
    loaded = await import(`data:text/javascript;base64,${Buffer.from(javaScript).toString('base64')}`);
  } catch (error) {
    throw new AppError(
      'TRANSFORM_INVALID',
      `The transform cannot be loaded: ${messageOf(error)}; it may import what comes with Node and nothing else`,
      { cause: error },
    );
  }
  const parsed = moduleSchema.safeParse({ ...(loaded as object) });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => ({
    path: z.core.toDotPath(path),
    message,
  }));
  throw new AppError('TRANSFORM_INVALID', summaryOf(problems, 'The module'), { problems });
}
