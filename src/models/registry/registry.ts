import type { JsonObject } from '../../kernel/json.ts';
import type { ModelReference, NameScheme } from '../model-reference.ts';
import type { ModelVersion, RegisteredModel, Stage } from '../model-version.ts';
import type { GoldenExample } from '../proving/golden.ts';
import type { ModelArtifact } from '../runtimes/runtime.ts';
import type { Signature } from '../signature.ts';

/** A version's files, with what was pinned when it was registered, or first fetched from elsewhere. */
export interface VersionArtifact {
  /** The version with what is known of it once its files are here: digest, files, flavor, metadata. */
  readonly version: ModelVersion;
  readonly artifact: ModelArtifact;
  readonly golden: readonly GoldenExample[];
  /** The signature at registration: a load that binds another one is refused. */
  readonly signature: Signature;
}

/** Where versions are found and fetched. */
export interface ModelRegistry {
  listModels(): Promise<readonly RegisteredModel[]>;
  /** MODEL_NOT_FOUND when there is none of that name. */
  getModel(name: string, scheme: NameScheme): Promise<RegisteredModel>;
  /**
   * MODEL_NOT_FOUND or VERSION_NOT_FOUND when nothing answers to it; REGISTRY_UNAVAILABLE when a registry elsewhere
   * cannot be asked. An answer may be some seconds old unless a `fresh` one is asked for.
   */
  resolve(reference: ModelReference, options?: { readonly fresh: boolean }): Promise<ModelVersion>;
  /** Reads the files and compares them with what was registered; DIGEST_MISMATCH names the file that differs. */
  fetch(version: ModelVersion): Promise<VersionArtifact>;
}

/** What may be changed of versions that are registered. */
export interface RegistryEditor {
  /** Points the alias at the version, taking it from any other; VERSION_NOT_FOUND when there is no such version. */
  setAlias(version: ModelVersion, alias: string): Promise<void>;
  /** True when there was such an alias. */
  removeAlias(model: string, scheme: NameScheme, alias: string): Promise<boolean>;
  /** Moves the version to a stage; one that was in Production or Staging before leaves it. */
  setStage(version: ModelVersion, stage: Stage): Promise<void>;
}

/** A version that was asked to be registered; `created` is false where its content was registered before. */
export interface Registered {
  readonly version: ModelVersion;
  readonly created: boolean;
}

export interface Registration {
  /** A model directory in MLflow format or an .onnx file. */
  readonly location: string;
  /** The registered model's name; by default what the artifact declares, or the file's name. */
  readonly name?: string;
  readonly semver?: string;
  readonly aliases?: readonly string[];
  /** Where it came from, when that is not the location. */
  readonly source?: string;
  /** What is known of its training beside what the artifact says. */
  readonly metadata?: JsonObject;
  /** The files of a transform for a model that comes without one (`models/transform-files.ts`). */
  readonly transform?: ReadonlyMap<string, Uint8Array>;
  /** Raw rows for golden examples, beside those that the artifact brings. */
  readonly exampleRows?: readonly JsonObject[];
}
