import { SEMVER } from '../../model-reference.ts';
import { type ModelVersion, type RegisteredModel, STAGES } from '../../model-version.ts';
import type { MlflowModel, MlflowVersion } from './mlflow-answers.ts';
import { SEMVER_TAGS } from './version-tags.ts';

/** A registered model with its versions, newest first. */
export function registeredModel(model: MlflowModel, versions: readonly MlflowVersion[]): RegisteredModel {
  const aliases = new Map<string, string[]>();
  for (const { alias, version } of model.aliases)
    aliases.set(version, [...(aliases.get(version) ?? []), alias]);
  const known = versions.map((version) =>
    modelVersion({ ...version, aliases: aliases.get(version.version) ?? [] }),
  );
  return { name: model.name, versions: known.sort((a, b) => b.number - a.number) };
}

/** Without what only its files say. */
export function modelVersion(version: MlflowVersion): ModelVersion {
  const stage = STAGES.find((each) => each === version.current_stage) ?? 'None';
  const semver = SEMVER_TAGS.map((tag) => version.tags[tag]?.replace(/^v/, '')).find(
    (text) => text !== undefined && SEMVER.test(text),
  );
  return {
    registry: 'mlflow',
    model: version.name,
    number: Number(version.version),
    semver: semver ?? null,
    digest: null,
    files: [],
    flavor: 'onnx',
    source: version.source,
    metadata: {},
    aliases: [...version.aliases].sort(),
    stage,
    createdAt: version.creation_timestamp,
    archivedAt: stage === 'Archived' ? version.last_updated_timestamp : null,
  };
}
