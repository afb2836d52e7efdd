import { AppError } from '../kernel/errors.ts';
import {
  type ModelVersion,
  type RegisteredModel,
  STAGES,
  type Stage,
  schemeOf,
  versionLabel,
} from './model-version.ts';

/** How a name was written: `models:/name` is MLflow's where an MLflow registry is configured, and a bare name never is. */
export type NameScheme = 'name' | 'models';

/** A registered model, in the registry that its name is of. */
export interface NamedModel {
  readonly model: string;
  readonly scheme: NameScheme;
}

/** Which version of which model is meant. */
export type ModelReference =
  | (NamedModel & { readonly by: 'latest' })
  | (NamedModel & { readonly by: 'alias'; readonly alias: string })
  | (NamedModel & { readonly by: 'stage'; readonly stage: Stage })
  | (NamedModel & { readonly by: 'version'; readonly version: string });

/** A model's name in MLflow: anything without a slash or a colon. */
const MLFLOW_NAME = /^[^/:@]{1,256}$/;
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Whether a model is named by a place on the disk, and not by a name in a registry. */
export function isModelPath(text: string): boolean {
  return /^\.{0,2}[\\/]|^[A-Za-z]:[\\/]|^file:|^[^:]*\.onnx$/.test(text);
}

/** Whether a model is named by a place on the MLflow server: of a run, of its artifacts, or a logged model of MLflow 3. */
export function isArtifactUri(text: string): boolean {
  return /^(?:runs|mlflow-artifacts):|^models:\/m-[0-9a-f]{32}(?:\/|$)/.test(text);
}

/** Whether a model is named by its URL on another server. */
export function isRemoteUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** Whether a model is named by where it is, and not by a name in a registry. */
export function isModelLocation(text: string): boolean {
  return isModelPath(text) || isArtifactUri(text) || isRemoteUrl(text);
}

/**
 * Reads `name`, `name@alias`, `name/7`, `name/2.1.0`, and MLflow's `models:/name/7`, `models:/name@alias`,
 * `models:/name/Production`, `models:/name/latest`. ARGUMENT_INVALID otherwise.
 */
export function parseModelReference(text: string): ModelReference {
  const [, uri, model = '', alias, version] =
    /^(models:\/)?([^/@]+)(?:@([^/@]+)|\/([^/@]+))?$/.exec(text) ?? [];
  if (!(uri === undefined ? MODEL_NAME : MLFLOW_NAME).test(model)) {
    throw new AppError(
      'ARGUMENT_INVALID',
      `"${text.slice(0, 200)}" names no model: write name, name@alias, name/7 or models:/name/Production`,
    );
  }
  const named = { model, scheme: uri === undefined ? 'name' : 'models' } as const;
  if (alias !== undefined) return { ...named, by: 'alias', alias };
  if (version === undefined || version === 'latest') return { ...named, by: 'latest' };
  const stage = STAGES.find((each) => each.toLowerCase() === version.toLowerCase());
  if (stage !== undefined) return { ...named, by: 'stage', stage };
  return { ...named, by: 'version', version: version.replace(/^v(?=\d)/, '') };
}

/** The reference as it is written. */
export function referenceText(reference: ModelReference): string {
  const name = `${reference.scheme === 'models' ? 'models:/' : ''}${reference.model}`;
  switch (reference.by) {
    case 'latest':
      return `${name}/latest`;
    case 'alias':
      return `${name}@${reference.alias}`;
    case 'stage':
      return `${name}/${reference.stage}`;
    case 'version':
      return `${name}/${reference.version}`;
  }
}

/** The reference that stands for this version and no other. */
export function referenceTo(version: ModelVersion): ModelReference {
  return {
    model: version.model,
    scheme: schemeOf(version),
    by: 'version',
    version: String(version.number),
  };
}

/** Whether the reference may stand for another version tomorrow. */
export function canMove(reference: ModelReference): boolean {
  return reference.by !== 'version';
}

/** Finds the version that is meant. VERSION_NOT_FOUND lists what there is. Archived ones are found by number only. */
export function selectVersion(model: RegisteredModel, reference: ModelReference): ModelVersion {
  const found = findVersion(model, reference);
  if (found !== undefined) return found;
  const known = model.versions
    .slice(0, 5)
    .map((version) => [versionLabel(version), ...version.aliases.map((name) => `@${name}`)].join(' '));
  throw new AppError(
    'VERSION_NOT_FOUND',
    `${model.name} has no ${wanted(reference).slice(0, 160)}; it has ${known.join(', ')}`,
  );
}

function findVersion(model: RegisteredModel, reference: ModelReference): ModelVersion | undefined {
  const live = model.versions.filter((version) => version.archivedAt === null);
  switch (reference.by) {
    case 'latest':
      return live[0];
    case 'alias':
      return live.find((version) => version.aliases.includes(reference.alias));
    case 'stage':
      return model.versions.find((version) => version.stage === reference.stage);
    case 'version':
      return model.versions.find(
        (version) => version.semver === reference.version || String(version.number) === reference.version,
      );
  }
}

function wanted(reference: ModelReference): string {
  if (reference.by === 'latest') return 'version in use';
  if (reference.by === 'alias') return `alias "${reference.alias}"`;
  return reference.by === 'stage' ? `version in ${reference.stage}` : `version "${reference.version}"`;
}

/** The newest version of a major: by semantic version, or by the registry's number where no version carries one. */
export function selectMajor(model: RegisteredModel, major: number): ModelVersion | null {
  const live = model.versions.filter((version) => version.archivedAt === null);
  const tagged = live.filter((version) => version.semver !== null);
  if (tagged.length === 0) return live.find((version) => version.number === major) ?? null;
  const ofMajor = tagged.filter((version) => Number.parseInt(version.semver ?? '', 10) === major);
  return ofMajor.sort((a, b) => compareSemver(b.semver ?? '', a.semver ?? ''))[0] ?? null;
}

export const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** Precedence of semver.org 2.0.0, section 11. */
export function compareSemver(a: string, b: string): number {
  const left = SEMVER.exec(a);
  const right = SEMVER.exec(b);
  if (left === null || right === null) return a < b ? -1 : Number(a > b);
  for (const part of [1, 2, 3]) {
    const difference = Number(left[part]) - Number(right[part]);
    if (difference !== 0) return difference;
  }
  return comparePrerelease(left[4], right[4]);
}

function comparePrerelease(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x = left[i];
    const y = right[i];
    if (x === undefined) return -1;
    if (y === undefined) return 1;
    if (x === y) continue;
    const numeric = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (numeric[0] && numeric[1]) return Number(x) - Number(y);
    if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}
