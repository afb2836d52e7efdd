import { AppError } from '../kernel/errors.ts';
import type { ModelVersion, RegisteredModel } from './model-version.ts';
import { versionLabel } from './model-version.ts';

/** Which version of which model is meant. */
export type ModelReference =
  | { readonly model: string; readonly by: 'latest' }
  | { readonly model: string; readonly by: 'alias'; readonly alias: string }
  | { readonly model: string; readonly by: 'version'; readonly version: string };

export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Whether an endpoint's model is a place on the disk, and not a name in the registry. */
export function isModelPath(text: string): boolean {
  return /^\.{0,2}[\\/]|^[A-Za-z]:[\\/]|\.onnx$/.test(text);
}

const STAGES: ReadonlyMap<string, string> = new Map([
  ['Production', 'production'],
  ['Staging', 'staging'],
]);

/**
 * Reads `name`, `name@alias`, `name/7`, `name/2.1.0`, and MLflow's `models:/name/7`, `models:/name@alias`,
 * `models:/name/Production` (the alias `production`), `models:/name/latest`. ARGUMENT_INVALID otherwise.
 */
export function parseModelReference(text: string): ModelReference {
  const match = /^(?:models:\/)?([^/@]+)(?:@([^/@]+)|\/([^/@]+))?$/.exec(text);
  const [, model = '', alias, version] = match ?? [];
  if (!MODEL_NAME.test(model)) {
    throw new AppError(
      'ARGUMENT_INVALID',
      `"${text.slice(0, 200)}" names no model: write name, name@alias, name/7 or models:/name/Production`,
    );
  }
  if (alias !== undefined) return { model, by: 'alias', alias };
  if (version === undefined || version === 'latest') return { model, by: 'latest' };
  const stageAlias = STAGES.get(version);
  return stageAlias === undefined
    ? { model, by: 'version', version: version.replace(/^v(?=\d)/, '') }
    : { model, by: 'alias', alias: stageAlias };
}

/** Finds the version that is meant. VERSION_NOT_FOUND lists what there is. Archived ones are found by number only. */
export function selectVersion(model: RegisteredModel, reference: ModelReference): ModelVersion {
  const live = model.versions.filter((version) => version.archivedAt === null);
  const found =
    reference.by === 'latest'
      ? live[0]
      : reference.by === 'alias'
        ? live.find((version) => version.aliases.includes(reference.alias))
        : model.versions.find(
            (version) => version.semver === reference.version || String(version.number) === reference.version,
          );
  if (found !== undefined) return found;
  const wanted =
    reference.by === 'latest'
      ? 'version in use'
      : reference.by === 'alias'
        ? `alias "${reference.alias}"`
        : `version "${reference.version}"`;
  const known = model.versions
    .slice(0, 5)
    .map((version) => [versionLabel(version), ...version.aliases.map((name) => `@${name}`)].join(' '));
  throw new AppError(
    'VERSION_NOT_FOUND',
    `${model.name} has no ${wanted.slice(0, 160)}; it has ${known.join(', ')}`,
  );
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
