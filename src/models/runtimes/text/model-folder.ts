import { rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import { readGraph } from '../onnx/graph.ts';
import { type PrivateDirectories, writeFiles } from '../private-directories.ts';
import type { TextModelFiles } from './text-model-files.ts';

/** The files of a text model in a directory of their own, which nobody else can read. */
export interface ModelFolder {
  /** The same files as paths of this machine. */
  readonly files: TextModelFiles;
  remove(): Promise<void>;
}

/**
 * Writes what a text model needs into a directory of its own. What runs it reads the files from there, also when its thread is started
 * again, so that they do not stay in memory twice.
 */
export async function writeModelFolder(
  directories: PrivateDirectories,
  files: TextModelFiles,
  contents: ReadonlyMap<string, Uint8Array>,
): Promise<ModelFolder> {
  const folder = await directories.make();
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const needed = namesOf(files, contents).map((name) => [name, contents.get(name) as Uint8Array] as const);
    await writeFiles(folder, new Map(needed));
    return { files: mapPaths(files, (name) => path.join(folder, name)), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

function namesOf(files: TextModelFiles, contents: ReadonlyMap<string, Uint8Array>): readonly string[] {
  const names = pathsOf(files);
  const weights = names
    .filter((name) => name.endsWith('.onnx'))
    .flatMap((graph) => {
      return externalFilesOf(graph, contents).map((name) => {
        const full = path.posix.join(path.posix.dirname(graph), name);
        if (contents.has(full)) return full;
        throw new AppError(
          'MODEL_UNREADABLE',
          `The weights file "${full}", which ${graph} names, is missing`,
        );
      });
    });
  return [...names, ...weights];
}

function externalFilesOf(graph: string, contents: ReadonlyMap<string, Uint8Array>): readonly string[] {
  try {
    return [...readGraph(contents.get(graph) as Uint8Array).externalFiles];
  } catch (error) {
    throw new AppError('MODEL_UNREADABLE', `${graph}: ${messageOf(error)}`, { cause: error });
  }
}

function pathsOf(files: TextModelFiles): readonly string[] {
  const { engine: _, ...own } = files;
  return Object.values(own)
    .flatMap((value) => value ?? [])
    .flat();
}

function mapPaths(files: TextModelFiles, map: (name: string) => string): TextModelFiles {
  const optional = (name: string | null): string | null => (name === null ? null : map(name));
  if (files.engine === 'marian')
    return {
      engine: files.engine,
      model: map(files.model),
      vocabularies: files.vocabularies.map(map),
      shortlist: optional(files.shortlist),
      config: optional(files.config),
    };
  return {
    engine: files.engine,
    config: map(files.config),
    generationConfig: optional(files.generationConfig),
    tokenizer: map(files.tokenizer),
    tokenizerConfig: optional(files.tokenizerConfig),
    encoder: map(files.encoder),
    decoder: map(files.decoder),
    decoderWithPast: optional(files.decoderWithPast),
  };
}
