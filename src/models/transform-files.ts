import { AppError, messageOf } from '../kernel/errors.ts';
import type { RowTable } from './row-table.ts';
import type { RowTransform } from './row-transform.ts';
import type { FieldColumn } from './transforms/column-batch.ts';
import { compileTransform } from './transforms/compile.ts';
import { documentText } from './transforms/document-text.ts';
import { edgeRows } from './transforms/edge-rows.ts';
import { fingerprintOf } from './transforms/fingerprint.ts';
import { parseTime } from './transforms/parse-time.ts';
import { fieldsOf } from './transforms/signature-fields.ts';
import { parseTransform, type TransformSpec } from './transforms/spec.ts';

/** The fitted transform of a version, beside its model. */
export const TRANSFORM_FILE = 'transform.json';
/** A transform as code; its TypeScript, where it was written in that, is kept beside it and never run. */
export const CODE_FILE = 'transform.mjs';
const TYPESCRIPT_FILE = 'transform.ts';

type Files = ReadonlyMap<string, Uint8Array>;

/** The files of a version that make its transform; TRANSFORM_INVALID lists what is wrong with the document. */
export function documentFiles(document: unknown): Files {
  return new Map([[TRANSFORM_FILE, Buffer.from(documentText(parseTransform(document)))]]);
}

/** The same for code in JavaScript, or in TypeScript. */
export async function codeFiles(text: string, isTypeScript: boolean): Promise<Files> {
  if (!isTypeScript) return new Map([[CODE_FILE, Buffer.from(text)]]);
  const { javaScriptOf } = await import('./transforms/user-code.ts');
  return new Map([
    [CODE_FILE, Buffer.from(javaScriptOf(text))],
    [TYPESCRIPT_FILE, Buffer.from(text)],
  ]);
}

/** The transform among a version's files, ready to run; null when there is none. */
export async function transformOf(files: Files): Promise<RowTransform | null> {
  const code = files.get(CODE_FILE);
  const document = files.get(TRANSFORM_FILE);
  if (code !== undefined && document !== undefined)
    throw new AppError('TRANSFORM_INVALID', `There are ${TRANSFORM_FILE} and ${CODE_FILE}: leave one out`);
  if (code !== undefined) {
    const { loadUserCode } = await import('./transforms/user-code.ts');
    return loadUserCode(Buffer.from(code).toString('utf8'));
  }
  return document === undefined ? null : declared(parseTransform(readJson(document)));
}

function declared(spec: TransformSpec): RowTransform {
  const compiled = compileTransform(spec);
  return {
    ...compiled,
    encodeTable: (table, out) => compiled.encodeColumns(decodedColumns(spec, table), table.length, out),
    fields: fieldsOf(spec),
    fingerprint: fingerprintOf(spec),
    executesCode: false,
    edgeRows: (usual) => edgeRows(spec, usual),
  };
}

/** Times as they flow through a transform; everything else lies in a table as it does there. */
function decodedColumns({ fields }: TransformSpec, { columns }: RowTable): readonly FieldColumn[] {
  return columns.map((column, place) =>
    fields[place]?.type === 'datetime'
      ? Float64Array.from(column as readonly (string | null)[], (time) =>
          time === null ? Number.NaN : parseTime(time),
        )
      : column,
  );
}

function readJson(content: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(content).toString('utf8'));
  } catch (error) {
    throw new AppError('TRANSFORM_INVALID', `${TRANSFORM_FILE} is not valid JSON: ${messageOf(error)}`);
  }
}
