import { AppError } from '../../kernel/errors.ts';
import type { ModelReference, NameScheme } from '../model-reference.ts';
import type { ModelVersion, RegisteredModel, RegistryKind, Stage } from '../model-version.ts';
import type { ModelRegistry, RegistryEditor, VersionArtifact } from './registry.ts';

export type EditableRegistry = ModelRegistry & RegistryEditor;

/**
 * The embedded registry and, where one is configured, MLflow's, as one: `models:/name` is MLflow's then, and a bare name
 * the embedded one's.
 */
export class RegistryRouter implements EditableRegistry {
  readonly #embedded: EditableRegistry;
  readonly #mlflow: EditableRegistry | null;

  constructor(embedded: EditableRegistry, mlflow: EditableRegistry | null) {
    this.#embedded = embedded;
    this.#mlflow = mlflow;
  }

  async listModels(): Promise<readonly RegisteredModel[]> {
    const both = await Promise.all([this.#embedded.listModels(), this.#mlflow?.listModels() ?? []]);
    return both.flat();
  }

  getModel(name: string, scheme: NameScheme): Promise<RegisteredModel> {
    return this.#named(scheme).getModel(name, scheme);
  }

  resolve(reference: ModelReference, options?: { readonly fresh: boolean }): Promise<ModelVersion> {
    return this.#named(reference.scheme).resolve(reference, options);
  }

  async fetch(version: ModelVersion): Promise<VersionArtifact> {
    return this.#of(version.registry).fetch(version);
  }

  async setAlias(version: ModelVersion, alias: string): Promise<void> {
    await this.#of(version.registry).setAlias(version, alias);
  }

  removeAlias(model: string, scheme: NameScheme, alias: string): Promise<boolean> {
    return this.#named(scheme).removeAlias(model, scheme, alias);
  }

  async setStage(version: ModelVersion, stage: Stage): Promise<void> {
    await this.#of(version.registry).setStage(version, stage);
  }

  #named(scheme: NameScheme): EditableRegistry {
    return scheme === 'models' && this.#mlflow !== null ? this.#mlflow : this.#embedded;
  }

  /** A version of MLflow may be known from before, when its server is not configured any more. */
  #of(registry: RegistryKind): EditableRegistry {
    if (registry === 'embedded') return this.#embedded;
    if (this.#mlflow !== null) return this.#mlflow;
    throw new AppError(
      'CONFIG_INVALID',
      'No MLflow registry is configured: set registry.mlflow.url or MLFLOW_TRACKING_URI',
    );
  }
}
