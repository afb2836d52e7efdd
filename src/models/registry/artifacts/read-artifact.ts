import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import type { ArtifactFile } from '../../model-version.ts';
import { GOLDEN_EXAMPLES_FILE } from '../../proving/golden.ts';
import { readGraph } from '../../runtimes/onnx/graph.ts';
import type { DeclaredModel, ModelArtifact } from '../../runtimes/runtime.ts';
import { CODE_FILE, TRANSFORM_FILE } from '../../transform-files.ts';
import { type Mlmodel, parseMlmodel } from './mlmodel.ts';

const MAX_FILES = 1_000;
/** What a directory without MLmodel may hold beside its one .onnx file. */
const BESIDE_MODEL: readonly string[] = [TRANSFORM_FILE, CODE_FILE, GOLDEN_EXAMPLES_FILE];
const NOTHING_DECLARED: DeclaredModel = { inputs: null, task: null, labels: null, positiveLabel: null };

/** An artifact in memory with what its MLmodel file says; `mlmodel` is null for a bare .onnx file. */
export interface ReadArtifact extends ModelArtifact {
  readonly mlmodel: Mlmodel | null;
}

/**
 * Reads a model directory in MLflow format, a directory of one .onnx file with its transform and golden examples, or a
 * bare .onnx file with the weights files that it names. Every file is
 * read once: what is digested is what is loaded. MODEL_UNREADABLE names the path.
 */
export async function readArtifact(location: string): Promise<ReadArtifact> {
  const found = await stat(location).catch((error: unknown) => {
    throw new AppError('MODEL_UNREADABLE', `${location}: ${messageOf(error)}`, { cause: error });
  });
  return found.isDirectory() ? readDirectory(location) : readBareFile(location);
}

async function readDirectory(directory: string): Promise<ReadArtifact> {
  const names = await listFiles(directory);
  if (!names.includes('MLmodel')) {
    const onnx = names.filter((name) => name.endsWith('.onnx'));
    if (onnx.length === 1 && onnx[0] !== undefined) {
      const beside = names.filter((name) => BESIDE_MODEL.includes(name));
      return withFiles(await readBareFile(path.join(directory, onnx[0])), directory, beside);
    }
    throw new AppError(
      'MODEL_UNREADABLE',
      `${directory} has no MLmodel file: give a directory that mlflow.onnx.save_model wrote, or an .onnx file`,
    );
  }
  const files = new Map<string, Uint8Array>();
  for (const name of names) files.set(name, await readFile(path.join(directory, name)));
  const mlmodel = parseMlmodel(Buffer.from(files.get('MLmodel') as Uint8Array).toString('utf8'));
  return { entry: mlmodel.entry, files, declared: mlmodel.declared, mlmodel };
}

async function withFiles(
  read: ReadArtifact,
  directory: string,
  names: readonly string[],
): Promise<ReadArtifact> {
  const files = new Map(read.files);
  for (const name of names) files.set(name, await readFile(path.join(directory, name)));
  return { ...read, files };
}

async function readBareFile(file: string): Promise<ReadArtifact> {
  const entry = path.basename(file);
  const content = await readFile(file);
  const files = new Map<string, Uint8Array>([[entry, content]]);
  for (const name of readGraph(content).externalFiles) {
    if (path.isAbsolute(name) || name.split(/[\\/]/).includes('..')) {
      throw new AppError(
        'MODEL_UNREADABLE',
        `The model names a weights file outside its directory: "${name.slice(0, 200)}"`,
      );
    }
    const weights = await readFile(path.join(path.dirname(file), name)).catch(() => null);
    if (weights !== null) files.set(name, weights);
  }
  return { entry, files, declared: NOTHING_DECLARED, mlmodel: null };
}

async function listFiles(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(directory, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'),
    )
    .sort();
  if (names.length > MAX_FILES)
    throw new AppError(
      'MODEL_UNREADABLE',
      `${directory} holds ${names.length} files: is it a model directory?`,
    );
  return names;
}

/** Files by path with their SHA-256, and one digest over that list. */
export function digestOf(files: ReadonlyMap<string, Uint8Array>): {
  readonly digest: string;
  readonly files: readonly ArtifactFile[];
} {
  const list = [...files]
    .map(([name, content]) => ({ path: name, sha256: sha256(content), bytes: content.byteLength }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const digest = sha256(Buffer.from(list.map((file) => `${file.sha256}  ${file.path}\n`).join('')));
  return { digest: `sha256:${digest}`, files: list };
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
