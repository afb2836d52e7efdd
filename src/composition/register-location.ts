import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../kernel/errors.ts';
import { isArtifactUri } from '../models/model-reference.ts';
import type { MlflowRegistry } from '../models/registry/mlflow/mlflow-registry.ts';
import type { Registered, Registration } from '../models/registry/registry.ts';
import type { RegistrySession } from './open-registry.ts';

/**
 * Registers what lies at a path, relative to `cwd`, at a `file:` URL, or at a place on the MLflow server
 * (`runs:/id/path`, `mlflow-artifacts:/path`, `models:/m-id`), whose files are brought here for it.
 */
export async function registerLocation(
  { embedded, mlflow }: Pick<RegistrySession, 'embedded' | 'mlflow'>,
  cwd: string,
  registration: Registration,
): Promise<Registered> {
  const { location, source = location, metadata } = registration;
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

function pathOf(location: string): string {
  return location.startsWith('file:')
    ? fileURLToPath(location.replace(/^file:(?!\/)/, 'file:///'))
    : location;
}
