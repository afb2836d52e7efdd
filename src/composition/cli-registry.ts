import type { CliRegistry } from '../cli/context.ts';
import { loadModel } from '../serving/served-version.ts';
import type { RegistrySession } from './open-registry.ts';
import { registerLocation, requireMlflow } from './register-location.ts';

/** What commands do with registries. */
export function createCliRegistry(session: RegistrySession, cwd: string): CliRegistry {
  const { registry, embedded, mlflow, runtime } = session;

  return {
    registry,
    register: (registration) => registerLocation(session, cwd, registration),
    async convert(request, watch) {
      const { convertVersion } = await import('./convert-version.ts');
      return convertVersion(session, cwd, request, watch);
    },
    close: () => session.close(),
    async verify(asked) {
      const { version, model, golden } = await loadModel(asked, registry, runtime);
      await model.release();
      return { version, goldenExamples: golden.length };
    },
    async pull(asked, name) {
      const source = requireMlflow(mlflow);
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
      return requireMlflow(mlflow).push(await embedded.fetch(version), name, onFile);
    },
  };
}
