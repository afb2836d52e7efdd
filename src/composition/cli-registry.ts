import type { CliRegistry } from '../cli/context.ts';
import { AppError } from '../kernel/errors.ts';
import { loadModel } from '../serving/served-version.ts';
import type { RegistrySession } from './open-registry.ts';

/** What commands do with registries. */
export function createCliRegistry(session: RegistrySession): CliRegistry {
  const { registry, embedded, mlflow, runtime } = session;

  function requireMlflow() {
    if (mlflow !== null) return mlflow;
    throw new AppError(
      'CONFIG_INVALID',
      'No MLflow registry is configured: set registry.mlflow.url or MLFLOW_TRACKING_URI',
    );
  }

  return {
    registry,
    register: (registration) => embedded.register(registration),
    close: () => session.close(),
    async verify(asked) {
      const { version, model, golden } = await loadModel(asked, registry, runtime);
      await model.release();
      return { version, goldenExamples: golden.length };
    },
    async pull(asked, name) {
      const source = requireMlflow();
      const { version } = await source.fetch(asked);
      return embedded.register({
        location: source.pathOf(version),
        name,
        source: `models:/${version.model}/${version.number}`,
        metadata: version.metadata,
        ...(version.semver !== null && { semver: version.semver }),
      });
    },
    async push(version, name, onFile) {
      return requireMlflow().push(await embedded.fetch(version), name, onFile);
    },
  };
}
