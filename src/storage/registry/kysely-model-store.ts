import type { Kysely, Transaction } from 'kysely';
import { AppError } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import {
  type ArtifactFile,
  type ModelVersion,
  type RegisteredModel,
  stageOf,
} from '../../models/model-version.ts';
import type { ModelStore, NewModelVersion } from '../../models/registry/model-store.ts';
import type { ModelVersionRow, Tables } from '../tables.ts';

export class KyselyModelStore implements ModelStore {
  readonly #database: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#database = database;
  }

  async listModels(): Promise<readonly RegisteredModel[]> {
    const versions = await versionsOf(this.#database);
    const byName = new Map<string, ModelVersion[]>();
    for (const version of versions) {
      const known = byName.get(version.model);
      if (known === undefined) byName.set(version.model, [version]);
      else known.push(version);
    }
    const models = [...byName].map(([name, ofModel]) => ({ name, versions: ofModel }));
    return models.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async findModel(name: string): Promise<RegisteredModel | null> {
    const versions = await versionsOf(this.#database, name);
    return versions.length === 0 ? null : { name, versions };
  }

  addVersion(version: NewModelVersion): Promise<{ version: ModelVersion; created: boolean }> {
    return this.#database.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('models')
        .values({ name: version.model, created_at: version.createdAt })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute();
      await lockModel(transaction, version.model);
      const known = await versionsOf(transaction, version.model);
      const same = known.find((one) => one.digest === version.digest);
      if (same !== undefined) return { version: same, created: false };
      const taken = known.find((one) => version.semver !== null && one.semver === version.semver);
      if (taken !== undefined) throw semverTaken(version, taken);
      const row = toRow(version, (known[0]?.number ?? 0) + 1);
      await transaction.insertInto('model_versions').values(row).execute();
      return { version: withStage(fromRow(row)), created: true };
    });
  }

  setAlias(model: string, alias: string, number: number): Promise<void> {
    return this.#database.transaction().execute(async (transaction) => {
      await lockModel(transaction, model);
      const version = await transaction
        .selectFrom('model_versions')
        .select('number')
        .where('model', '=', model)
        .where('number', '=', number)
        .executeTakeFirst();
      if (version === undefined) throw versionNotFound(model, number);
      await transaction
        .insertInto('model_aliases')
        .values({ model, alias, number })
        .onConflict((conflict) => conflict.columns(['model', 'alias']).doUpdateSet({ number }))
        .execute();
    });
  }

  removeAlias(model: string, alias: string): Promise<boolean> {
    return this.#database.transaction().execute(async (transaction) => {
      const deleted = await transaction
        .deleteFrom('model_aliases')
        .where('model', '=', model)
        .where('alias', '=', alias)
        .executeTakeFirst();
      return deleted.numDeletedRows > 0n;
    });
  }

  setArchived(model: string, number: number, archivedAt: number | null): Promise<void> {
    return this.#database.transaction().execute(async (transaction) => {
      await lockModel(transaction, model);
      const updated = await transaction
        .updateTable('model_versions')
        .set({ archived_at: archivedAt })
        .where('model', '=', model)
        .where('number', '=', number)
        .executeTakeFirst();
      if (updated.numUpdatedRows === 0n) throw versionNotFound(model, number);
      if (archivedAt === null) return;
      await transaction
        .deleteFrom('model_aliases')
        .where('model', '=', model)
        .where('number', '=', number)
        .execute();
    });
  }
}

/** Holds the model's row until the transaction ends, so that changes to one model come one after the other. */
async function lockModel(transaction: Transaction<Tables>, model: string): Promise<void> {
  await transaction.updateTable('models').set({ name: model }).where('name', '=', model).execute();
}

/** Newest first; one statement reads aliases and versions of the same moment. */
async function versionsOf(database: Kysely<Tables>, model?: string): Promise<ModelVersion[]> {
  const rows = await database
    .selectFrom('model_versions')
    .leftJoin('model_aliases', (join) =>
      join
        .onRef('model_aliases.model', '=', 'model_versions.model')
        .onRef('model_aliases.number', '=', 'model_versions.number'),
    )
    .selectAll('model_versions')
    .select('model_aliases.alias')
    .$if(model !== undefined, (query) => query.where('model_versions.model', '=', model ?? ''))
    .orderBy('model_versions.model')
    .orderBy('model_versions.number', 'desc')
    .execute();
  const versions: StoredVersion[] = [];
  for (const { alias, ...row } of rows) {
    let version = versions.at(-1);
    if (version?.model !== row.model || version.number !== row.number) {
      version = fromRow(row);
      versions.push(version);
    }
    if (alias !== null) version.aliases.push(alias);
  }
  for (const version of versions) version.aliases.sort();
  return versions.map(withStage);
}

type StoredVersion = Omit<ModelVersion, 'stage'> & { aliases: string[] };

function withStage(version: StoredVersion): ModelVersion {
  return { ...version, stage: stageOf(version) };
}

function toRow(version: NewModelVersion, number: number): ModelVersionRow {
  return {
    model: version.model,
    number,
    semver: version.semver,
    digest: version.digest,
    files_json: JSON.stringify(version.files),
    flavor: version.flavor,
    source: version.source,
    metadata_json: JSON.stringify(version.metadata),
    created_at: version.createdAt,
    archived_at: null,
  };
}

function fromRow(row: ModelVersionRow): StoredVersion {
  return {
    registry: 'embedded',
    model: row.model,
    number: row.number,
    semver: row.semver,
    digest: row.digest,
    files: JSON.parse(row.files_json) as ArtifactFile[],
    flavor: row.flavor,
    source: row.source,
    metadata: JSON.parse(row.metadata_json) as JsonObject,
    aliases: [],
    createdAt: row.created_at,
    archivedAt: row.archived_at,
  };
}

function versionNotFound(model: string, number: number): AppError {
  return new AppError('VERSION_NOT_FOUND', `${model} has no version ${number}`);
}

function semverTaken(version: NewModelVersion, taken: ModelVersion): AppError {
  return new AppError(
    'VERSION_CONFLICT',
    `${version.model} ${version.semver} is registered already with other content, as number ${taken.number}`,
  );
}
