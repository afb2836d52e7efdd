import { AppError } from '../../kernel/errors.ts';
import { type ModelVersion, versionLabel } from '../../models/model-version.ts';
import { executesCode } from '../../models/trust.ts';

const ALIAS = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
export const HEADING = ['MODEL', 'NUMBER', 'VERSION', 'STAGE', 'ALIASES', 'CREATED', 'DIGEST'];

export function rowOf(version: ModelVersion): readonly string[] {
  return [
    version.model,
    String(version.number),
    versionLabel(version),
    version.stage,
    version.aliases.join(', ') || '-',
    new Date(version.createdAt).toISOString().slice(0, 16).replace('T', ' '),
    version.digest?.slice(0, 19) ?? '-',
  ];
}

/** What commands say of a version with `--json`. */
export function shown(version: ModelVersion): Record<string, unknown> {
  return {
    registry: version.registry,
    model: version.model,
    number: version.number,
    version: versionLabel(version),
    stage: version.stage,
    aliases: version.aliases,
    flavor: version.flavor,
    digest: version.digest,
    source: version.source,
    created_at: new Date(version.createdAt).toISOString(),
    archived_at: version.archivedAt === null ? null : new Date(version.archivedAt).toISOString(),
    metadata: version.metadata,
    executes_code: executesCode(version),
    files: version.files,
  };
}

/** How messages name a version. */
export function nameOf(version: ModelVersion): string {
  const uri = version.registry === 'mlflow' ? 'models:/' : '';
  return `${uri}${version.model}/${version.number}${version.semver === null ? '' : ` (${version.semver})`}`;
}

export function requireInUse(version: ModelVersion): void {
  if (version.archivedAt === null) return;
  throw new AppError(
    'ARGUMENT_INVALID',
    `${nameOf(version)} is archived: take it back with \`slipway models archive --restore\` first`,
  );
}

export function requireAlias(alias: string): void {
  if (ALIAS.test(alias) && alias !== 'latest') return;
  throw new AppError(
    'ARGUMENT_INVALID',
    `"${alias.slice(0, 64)}" cannot be an alias: begin with a letter, then letters, digits, dash, underscore; not "latest"`,
  );
}
