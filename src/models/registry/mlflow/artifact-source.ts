import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../../kernel/errors.ts';
import { encodedPath, type MlflowClient, type MlflowFile } from './mlflow-client.ts';

/** A file of an artifact: path relative to its directory with `/`; size in bytes where it is known. */
export interface SourceFile {
  readonly path: string;
  readonly bytes: number | null;
}

/** Where the files of an artifact are read from. */
export interface ArtifactSource {
  list(): Promise<readonly SourceFile[]>;
  /** The bytes of a file, from an offset on where the place can do that (`isPart`). */
  open(
    file: string,
    from: number,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly body: Readable; readonly isPart: boolean }>;
}

const MAX_FILES = 1_000;
const MAX_DEPTH = 16;

/**
 * The place that an artifact URI of MLflow names: its artifact proxy, a directory that this machine can read, or the
 * files of a run, which the server hands out itself. MODEL_UNREADABLE for a place that none of these reach.
 */
export async function sourceOf(
  client: MlflowClient,
  uri: string,
  runId: string | null,
): Promise<ArtifactSource> {
  const proxied = proxiedPath(uri);
  if (proxied !== null) return proxiedSource(client, proxied);
  const local = localPath(uri);
  if (local !== null && (await stat(local).catch(() => null))?.isDirectory() === true)
    return localSource(local);
  const ofRun = runId === null ? null : await pathInRun(client, uri, runId);
  if (ofRun !== null && runId !== null) return runSource(client, runId, ofRun);
  throw new AppError(
    'MODEL_UNREADABLE',
    `The artifact lies at ${uri.slice(0, 200)}, which this machine cannot read: start the MLflow server with --serve-artifacts, or make the directory visible here`,
  );
}

/** The path on the artifact proxy, from `mlflow-artifacts:/x`, `mlflow-artifacts://host/x` or the proxy's own URL. */
export function proxiedPath(uri: string): string | null {
  const named = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/.exec(uri)?.[1];
  if (named !== undefined) return named.replace(/\/+$/, '');
  return (
    /^https?:\/\/.*\/api\/2\.0\/mlflow-artifacts\/artifacts\/(.*)$/.exec(uri)?.[1]?.replace(/\/+$/, '') ??
    null
  );
}

function localPath(uri: string): string | null {
  if (uri.startsWith('file:')) return fileURLToPath(uri.replace(/^file:(?!\/\/)/, 'file://'));
  return path.isAbsolute(uri) ? uri : null;
}

/** `runs:/id/path`, or a URI below the run's own. */
async function pathInRun(client: MlflowClient, uri: string, runId: string): Promise<string | null> {
  const named = /^runs:\/([^/]+)\/(.*)$/.exec(uri);
  if (named !== null) return named[1] === runId ? (named[2] ?? '') : null;
  const root = (await client.run(runId)).info.artifact_uri.replace(/\/+$/, '');
  return uri.startsWith(`${root}/`) ? uri.slice(root.length + 1) : null;
}

function proxiedSource(client: MlflowClient, root: string): ArtifactSource {
  return {
    list: () => walk(async (directory) => client.proxiedFiles(joined(root, directory))),
    open: (file, from, signal) =>
      client.download(
        `/api/2.0/mlflow-artifacts/artifacts/${encodedPath(joined(root, file))}`,
        {},
        from,
        signal,
      ),
  };
}

function runSource(client: MlflowClient, runId: string, root: string): ArtifactSource {
  return {
    list: () =>
      walk(async (directory) => {
        const files = await client.runFiles(runId, joined(root, directory));
        return files.map((file) => ({ ...file, path: path.posix.basename(file.path) }));
      }),
    open: (file, from, signal) =>
      client.download('/get-artifact', { run_id: runId, path: joined(root, file) }, from, signal),
  };
}

function localSource(root: string): ArtifactSource {
  return {
    async list() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name));
      return Promise.all(
        bounded(files).map(async (file) => ({
          path: path.relative(root, file).split(path.sep).join('/'),
          bytes: (await stat(file)).size,
        })),
      );
    },
    open: async (file, from) => ({
      body: createReadStream(path.join(root, file), { start: from }),
      isPart: true,
    }),
  };
}

/** Every file below a directory; `list` answers with paths relative to the directory that it was asked for. */
async function walk(
  list: (directory: string) => Promise<readonly MlflowFile[]>,
): Promise<readonly SourceFile[]> {
  const found: SourceFile[] = [];
  async function visit(directory: string, depth: number): Promise<void> {
    for (const file of await list(directory)) {
      const name = joined(directory, file.path);
      if (name.split('/').some((part) => part === '..' || part === '.') || name.startsWith('/'))
        throw new AppError(
          'MODEL_UNREADABLE',
          `The artifact names a file outside its directory: "${name.slice(0, 200)}"`,
        );
      if (!file.is_dir) found.push({ path: name, bytes: file.file_size ?? null });
      else if (depth < MAX_DEPTH) await visit(name, depth + 1);
      bounded(found);
    }
  }
  await visit('', 0);
  return found;
}

function bounded<Item>(files: readonly Item[]): readonly Item[] {
  if (files.length <= MAX_FILES) return files;
  throw new AppError(
    'MODEL_UNREADABLE',
    `The artifact holds more than ${MAX_FILES} files: is it a model directory?`,
  );
}

function joined(directory: string, name: string): string {
  return directory === '' ? name : name === '' ? directory : `${directory}/${name}`;
}
