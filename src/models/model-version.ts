import type { JsonObject } from '../kernel/json.ts';

/** One file of an artifact: path relative to its directory with `/`, SHA-256 in hexadecimal, size in bytes. */
export interface ArtifactFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Whose version it is: two registries may know the same name. */
export type RegistryKind = 'embedded' | 'mlflow';

/** A registered model version. Everything but aliases, stage and `archivedAt` is fixed at registration. */
export interface ModelVersion {
  readonly registry: RegistryKind;
  readonly model: string;
  /** The registry's number, 1, 2, 3 … within the model. */
  readonly number: number;
  /** Semantic version (semver.org 2.0.0) where one was given, without a leading `v`. */
  readonly semver: string | null;
  /** Digest of the whole artifact: `sha256:` and the hash over its sorted file list; null before it was ever fetched. */
  readonly digest: string | null;
  readonly files: readonly ArtifactFile[];
  /** MLflow's word for the format: `onnx`. */
  readonly flavor: string;
  /** Where it came from, as the person who registered it wrote it. */
  readonly source: string;
  /** What training said of it: metrics, baseline, data; empty when nothing was said. */
  readonly metadata: JsonObject;
  readonly aliases: readonly string[];
  readonly stage: Stage;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly archivedAt: number | null;
}

export interface RegisteredModel {
  readonly name: string;
  readonly versions: readonly ModelVersion[];
}

/** MLflow's stages, shown beside the aliases that carry them. */
export const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const;
export type Stage = (typeof STAGES)[number];

/** The aliases that stand for stages in the embedded registry. */
export const STAGE_ALIASES: Readonly<Record<string, Stage>> = {
  production: 'Production',
  staging: 'Staging',
};

/** The stage of a version that has none of its own, from the aliases that stand for stages. */
export function stageOf(version: Pick<ModelVersion, 'aliases' | 'archivedAt'>): Stage {
  if (version.archivedAt !== null) return 'Archived';
  for (const [alias, stage] of Object.entries(STAGE_ALIASES))
    if (version.aliases.includes(alias)) return stage;
  return 'None';
}

/** How a reference to it is written. */
export function schemeOf({ registry }: Pick<ModelVersion, 'registry'>): 'name' | 'models' {
  return registry === 'mlflow' ? 'models' : 'name';
}

/** Whether two are one: of the same registry, name and number. */
export function isSameVersion(a: ModelVersion, b: ModelVersion): boolean {
  return a.registry === b.registry && a.model === b.model && a.number === b.number;
}

/** What answers and log lines call the version: its semantic version, or else the registry's number. */
export function versionLabel(version: Pick<ModelVersion, 'semver' | 'number'>): string {
  return version.semver ?? String(version.number);
}
