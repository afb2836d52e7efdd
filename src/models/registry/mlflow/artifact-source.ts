import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../../kernel/errors.ts';
import type { MlflowFile } from './mlflow-answers.ts';
import type { MlflowClient, OpenFile } from './mlflow-client.ts';

/** A file of an artifact: path relative to its directory with `/`; size in bytes where it is known. */
export interface SourceFile {
  readonly path: string;
  readonly bytes: number | null;
}

/** Where the files of an artifact are read from. */
export interface ArtifactSource {
  list(): Promise<readonly SourceFile[]>;
  /** The bytes of a file, from an offset on where the place can do that (`isPart`). */
  open(file: string, from: number, signal: AbortSignal | undefined): Promise<OpenFile>;
}

const MAX_FILES = 1_000;
const MAX_DEPTH = 16;

/**
 * The place that an artifact URI of MLflow names: its artifact proxy, a directory that this machine can read, or the
 * files of a run or of a logged model, which the server hands out itself. MODEL_UNREADABLE for a place that none of
 * these reach.
 */
export async function sourceOf(
  client: MlflowClient,
  uri: string,
  runId: string | null,
): Promise<ArtifactSource> {
  const [, modelId, below = ''] = /^models:\/(m-[^/]+)\/?(.*)$/.exec(uri) ?? [];
  if (modelId !== undefined) return loggedSource(client, modelId, below);
  const [, id, named = ''] = /^runs:\/([^/]+)\/?(.*)$/.exec(uri) ?? [];
  if (id !== undefined) return namedSource(client, id, named);
  const direct = await directSource(client, uri);
  if (direct !== null) return direct;
  const ofRun = runId === null ? null : await pathInRun(client, uri, runId);
  if (ofRun !== null && runId !== null) return runSource(client, runId, ofRun);
  throw new AppError(
    'MODEL_UNREADABLE',
    `The artifact lies at ${uri.slice(0, 200)}, which this machine cannot read: start the MLflow server with --serve-artifacts, or make the directory visible here`,
  );
}

/** The run that an artifact URI names, for what is known of the training. */
export async function runOf(client: MlflowClient, uri: string): Promise<string | null> {
  const modelId = /^models:\/(m-[^/]+)/.exec(uri)?.[1];
  if (modelId !== undefined) return (await client.loggedModel(modelId)).source_run_id || null;
  return /^runs:\/([^/]+)/.exec(uri)?.[1] ?? null;
}

async function directSource(client: MlflowClient, uri: string): Promise<ArtifactSource | null> {
  const proxied = proxiedPath(uri);
  if (proxied !== null) return proxiedSource(client, proxied);
  const local = localPath(uri);
  return local !== null && (await stat(local).catch(() => null))?.isDirectory() === true
    ? localSource(local)
    : null;
}

/** `runs:/id/name`: files of the run, or since MLflow 3 a model of that name which the run logged. */
async function namedSource(client: MlflowClient, runId: string, name: string): Promise<ArtifactSource> {
  const files = await client.runFiles(runId, name);
  if (files.length > 0) return runSource(client, runId, name);
  const [first = '', ...rest] = name.split('/');
  const { outputs } = await client.run(runId);
  for (const { model_id: modelId } of outputs.model_outputs)
    if ((await client.loggedModel(modelId)).name === first)
      return loggedSource(client, modelId, rest.join('/'));
  throw new AppError('MODEL_NOT_FOUND', `The run ${runId} has no artifact and no model called "${name}"`);
}

async function loggedSource(client: MlflowClient, modelId: string, below: string): Promise<ArtifactSource> {
  const { artifact_uri: root } = await client.loggedModel(modelId);
  const direct = await directSource(client, joined(root.replace(/\/+$/, ''), below));
  if (direct !== null) return direct;
  return {
    list: () =>
      walk(async (directory) => namesOf(await client.loggedFiles(modelId, joined(below, directory)))),
    open: (file, from, signal) => client.openOfLogged(modelId, joined(below, file), from, signal),
  };
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

/** Where a URI lies below the run's own. */
async function pathInRun(client: MlflowClient, uri: string, runId: string): Promise<string | null> {
  const root = (await client.run(runId)).info.artifact_uri.replace(/\/+$/, '');
  return uri.startsWith(`${root}/`) ? uri.slice(root.length + 1) : null;
}

function proxiedSource(client: MlflowClient, root: string): ArtifactSource {
  return {
    list: () => walk(async (directory) => client.proxiedFiles(joined(root, directory))),
    open: (file, from, signal) => client.openProxied(joined(root, file), from, signal),
  };
}

function runSource(client: MlflowClient, runId: string, root: string): ArtifactSource {
  return {
    list: () => walk(async (directory) => namesOf(await client.runFiles(runId, joined(root, directory)))),
    open: (file, from, signal) => client.openOfRun(runId, joined(root, file), from, signal),
  };
}

/** What the server names by its whole path, relative to the directory that was asked for. */
function namesOf(files: readonly MlflowFile[]): readonly MlflowFile[] {
  return files.map((file) => ({ ...file, path: path.posix.basename(file.path) }));
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
