import { open, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import { isJsonObject } from '../../../kernel/json.ts';
import { GOLDEN_EXAMPLES_FILE } from '../../proving/golden.ts';
import { readGraph } from '../../runtimes/onnx/graph.ts';
import type { ArtifactOrigin, ModelArtifact } from '../../runtimes/runtime.ts';
import { CODE_FILE, TRANSFORM_FILE } from '../../transform-files.ts';
import { type Declaration, METADATA_FILE, NOTHING_DECLARED, parseDeclaration } from './declaration.ts';
import { parseMlmodel } from './mlmodel.ts';
import { type Recognised, recogniseDirectory, recogniseFile } from './recognise.ts';

const MAX_FILES = 1_000;
/** Enough to tell a model of XGBoost or LightGBM from other files of the same ending. */
const HEAD_BYTES = 64;
/** What is taken of a directory beside its one .onnx file. */
const BESIDE_GRAPH: readonly string[] = [TRANSFORM_FILE, CODE_FILE, GOLDEN_EXAMPLES_FILE, METADATA_FILE];
/** What tools leave behind, and notebooks: none of a model's files. */
const LEFT_BEHIND = /(^|\/)(\.[^/]*|__pycache__)(\/|$)|\.ipynb$/;
/** An artifact in memory with what its author says of it. */
export interface ReadArtifact extends ModelArtifact {
  readonly declaration: Declaration;
}

/**
 * Reads a model directory in MLflow format, a directory as training scripts and exporters leave it, or one model file,
 * for .onnx with the weights files that it names. Every file is read once: what is digested is what is loaded.
 * MODEL_UNREADABLE names the path.
 */
export async function readArtifact(location: string, origin: ArtifactOrigin): Promise<ReadArtifact> {
  const found = await stat(location).catch((error: unknown) => {
    throw new AppError('MODEL_UNREADABLE', `${location}: ${messageOf(error)}`, { cause: error });
  });
  const read = found.isDirectory() ? await readDirectory(location) : await readBareFile(location);
  return { ...read, origin };
}

type Unplaced = Omit<ReadArtifact, 'origin'>;

async function readDirectory(directory: string): Promise<Unplaced> {
  const names = await listFiles(directory);
  if (names.includes('MLmodel')) {
    const files = await readFiles(directory, names);
    const mlmodel = parseMlmodel(textOf(files.get('MLmodel')));
    return { ...mlmodel, files };
  }
  const own = names.filter((name) => !LEFT_BEHIND.test(name));
  const heads = new Map<string, string>();
  for (const name of own) if (!name.includes('/')) heads.set(name, await headOf(path.join(directory, name)));
  const recognised = recogniseDirectory(directory, own, (name) => heads.get(name) ?? '');
  if (recognised.format !== 'onnx') return undeclared(recognised, await readFiles(directory, own));
  const graph = await readGraphFiles(path.join(directory, recognised.entry));
  const beside = await readFiles(
    directory,
    own.filter((name) => BESIDE_GRAPH.includes(name)),
  );
  return undeclared(recognised, new Map([...graph, ...beside]));
}

async function readBareFile(file: string): Promise<Unplaced> {
  const recognised = recogniseFile(path.basename(file), await headOf(file));
  if (recognised === null)
    throw new AppError(
      'MODEL_UNREADABLE',
      `${file} is no model that Slipway knows: give an .onnx, .pkl, .joblib, XGBoost (.json, .ubj) or LightGBM (.txt) file, or a model's directory`,
    );
  if (recognised.format === 'onnx') return undeclared(recognised, await readGraphFiles(file));
  return undeclared(recognised, new Map([[recognised.entry, await readFile(file)]]));
}

function undeclared(recognised: Recognised, files: ReadonlyMap<string, Uint8Array>): Unplaced {
  const declaration = files.has(METADATA_FILE) ? readMetadata(files) : NOTHING_DECLARED;
  const declared = { inputs: null, outputs: null, params: [], ...declaration.outcome };
  return { ...recognised, files, declared, declaration };
}

function readMetadata(files: ReadonlyMap<string, Uint8Array>): Declaration {
  let metadata: unknown;
  try {
    metadata = JSON.parse(textOf(files.get(METADATA_FILE)));
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `${METADATA_FILE} is not valid JSON: ${messageOf(error)}`);
  }
  return isJsonObject(metadata) ? parseDeclaration(metadata, METADATA_FILE) : NOTHING_DECLARED;
}

function textOf(content: Uint8Array | undefined): string {
  return Buffer.from(content ?? []).toString('utf8');
}

/** An .onnx file with the weights files beside it that it names. */
async function readGraphFiles(file: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const content = await readFile(file);
  const files = new Map<string, Uint8Array>([[path.basename(file), content]]);
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
  return files;
}

async function readFiles(directory: string, names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of names) files.set(name, await readFile(path.join(directory, name)));
  return files;
}

async function headOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
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
