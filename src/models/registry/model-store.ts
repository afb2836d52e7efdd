import type { ModelVersion, RegisteredModel } from '../model-version.ts';
import type { Registered } from './registry.ts';

export interface NewModelVersion
  extends Omit<ModelVersion, 'registry' | 'number' | 'aliases' | 'stage' | 'archivedAt' | 'digest'> {
  readonly digest: string;
}

/** The state of the embedded registry: which versions there are, and what they are called. */
export interface ModelStore {
  /** Models by name, each with its versions, newest first. */
  listModels(): Promise<readonly RegisteredModel[]>;
  /** Null when no version was ever registered under the name. */
  findModel(name: string): Promise<RegisteredModel | null>;
  /**
   * Gives the version the next number of its model, in one transaction. A digest that the model has already
   * answers with that version and `created: false`. A semantic version that another digest has is refused with
   * VERSION_CONFLICT.
   */
  addVersion(version: NewModelVersion): Promise<Registered>;
  /** Points the alias at the version, taking it from any other; VERSION_NOT_FOUND when there is no such version. */
  setAlias(model: string, alias: string, number: number): Promise<void>;
  /** True when there was such an alias. */
  removeAlias(model: string, alias: string): Promise<boolean>;
  /**
   * Archives the version at the given time (Unix milliseconds; its aliases go), or takes it back from the archive
   * with null. VERSION_NOT_FOUND when there is no such version.
   */
  setArchived(model: string, number: number, archivedAt: number | null): Promise<void>;
}
