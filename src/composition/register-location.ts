import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../kernel/errors.ts';
import { isArtifactUri, isRemoteUrl } from '../models/model-reference.ts';
import type { LocalRegistry } from '../models/registry/local/local-registry.ts';
import type { MlflowRegistry } from '../models/registry/mlflow/mlflow-registry.ts';
import type { Registered, Registration } from '../models/registry/registry.ts';
import { remoteArtifactOf } from '../models/runtimes/remote/remote-file.ts';
import type { RegistrySession } from './open-registry.ts';

/**
 * Registers what lies at a path, relative to `cwd`, at a `file:` URL, or at a place on the MLflow server
 * (`runs:/id/path`, `mlflow-artifacts:/path`, `models:/m-id`), whose files are brought here for it; or a model on another
 * server, at its URL.
 */
export async function registerLocation(
  { embedded, mlflow }: Pick<RegistrySession, 'embedded' | 'mlflow'>,
  cwd: string,
  registration: Registration,
): Promise<Registered> {
  const { location, source = location, metadata } = registration;
  if (isRemoteUrl(location)) return registerRemote(embedded, registration);
  if (!isArtifactUri(location))
    return embedded.register({ ...registration, location: path.resolve(cwd, pathOf(location)) });
  return requireMlflow(mlflow).bring(location, (directory, training) =>
    embedded.register({
      ...registration,
      location: directory,
      source,
      metadata: { ...training, ...metadata },
    }),
  );
}

export function requireMlflow(mlflow: MlflowRegistry | null): MlflowRegistry {
  if (mlflow !== null) return mlflow;
  throw new AppError(
    'CONFIG_INVALID',
    'No MLflow registry is configured: set registry.mlflow.url or MLFLOW_TRACKING_URI',
  );
}

/** What is registered is the document that names it. */
async function registerRemote(embedded: LocalRegistry, registration: Registration): Promise<Registered> {
  const { location, source = location } = registration;
  const { name, file, content } = remoteArtifactOf(location);
  const directory = await mkdtemp(path.join(tmpdir(), 'slipway-remote-'));
  try {
    await writeFile(path.join(directory, file), content);
    return await embedded.register({
      ...registration,
      name: registration.name ?? name,
      location: directory,
      source,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function pathOf(location: string): string {
  return location.startsWith('file:')
    ? fileURLToPath(location.replace(/^file:(?!\/)/, 'file:///'))
    : location;
}
