import { beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/kernel/errors.ts';
import type { ModelStore, NewModelVersion } from '../../src/models/registry/model-store.ts';

let models = 0;

function aVersion(change: Partial<NewModelVersion> = {}): NewModelVersion {
  return {
    model: `model-${models}`,
    semver: null,
    digest: 'sha256:aa',
    files: [{ path: 'model.onnx', sha256: 'aa', bytes: 2 ** 40 }],
    flavor: 'onnx',
    source: './model "quoted" 😀',
    metadata: { metrics: { f1: 0.9 }, note: 'NUL \u0000 inside', flag: true },
    createdAt: 1_767_225_600_123,
    ...change,
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => 'resolved',
    (reason: unknown) => reason,
  );
  return error instanceof AppError ? error.code : String(error);
}

export function describeModelStore(store: () => ModelStore): void {
  describe('ModelStore', () => {
    beforeEach(() => {
      models += 1;
    });

    it('numbers the versions of a model and gives them back whole, newest first', async () => {
      const first = await store().addVersion(aVersion());
      const second = await store().addVersion(aVersion({ digest: 'sha256:bb', semver: '1.0.0' }));
      expect(first).toEqual({
        version: {
          ...aVersion(),
          registry: 'embedded',
          number: 1,
          aliases: [],
          stage: 'None',
          archivedAt: null,
        },
        created: true,
      });
      expect(second.version.number).toBe(2);
      const name = `model-${models}`;
      const model = await store().findModel(name);
      expect(model).toEqual({ name, versions: [second.version, first.version] });
      expect(await store().findModel('nobody')).toBeNull();
    });

    it('lists models by name', async () => {
      const listed = [`b-${models}`, `B-${models}`, `a_${models}`, `a-${models}`];
      for (const model of listed) await store().addVersion(aVersion({ model }));
      const names = (await store().listModels()).map((model) => model.name);
      expect(names.filter((name) => listed.includes(name))).toEqual([...listed].sort());
    });

    it('answers a digest that it has with that version', async () => {
      await store().addVersion(aVersion({ semver: '1.0.0' }));
      const again = await store().addVersion(aVersion({ semver: '2.0.0', source: 'elsewhere' }));
      expect(again.created).toBe(false);
      expect(again.version).toMatchObject({ number: 1, semver: '1.0.0' });
      const other = await store().addVersion(aVersion({ digest: 'sha256:cc' }));
      expect(other.version.number).toBe(2);
    });

    it('refuses a semantic version that other content has', async () => {
      await store().addVersion(aVersion({ semver: '1.0.0' }));
      const conflict = store().addVersion(aVersion({ semver: '1.0.0', digest: 'sha256:bb' }));
      expect(await codeOf(conflict)).toBe('VERSION_CONFLICT');
      expect((await store().findModel(`model-${models}`))?.versions).toHaveLength(1);
    });

    it('gives each of many versions at once its own number', async () => {
      const digests = Array.from({ length: 8 }, (_, index) => `sha256:${index % 6}`);
      const added = await Promise.all(digests.map((digest) => store().addVersion(aVersion({ digest }))));
      expect(added.filter((one) => one.created)).toHaveLength(6);
      const numbers = (await store().findModel(`model-${models}`))?.versions.map((one) => one.number);
      expect(numbers).toEqual([6, 5, 4, 3, 2, 1]);
    });

    it('moves an alias from one version to the other', async () => {
      const model = `model-${models}`;
      await store().addVersion(aVersion());
      await store().addVersion(aVersion({ digest: 'sha256:bb' }));
      await store().setAlias(model, 'production', 1);
      await store().setAlias(model, 'champion', 2);
      await store().setAlias(model, 'production', 2);
      const aliases = (await store().findModel(model))?.versions.map((one) => one.aliases);
      expect(aliases).toEqual([['champion', 'production'], []]);
      expect(await store().removeAlias(model, 'champion')).toBe(true);
      expect(await store().removeAlias(model, 'champion')).toBe(false);
      expect(await codeOf(store().setAlias(model, 'production', 3))).toBe('VERSION_NOT_FOUND');
      expect(await codeOf(store().setAlias('nobody', 'production', 1))).toBe('VERSION_NOT_FOUND');
    });

    it('takes the aliases of a version that is archived, and of no other', async () => {
      const model = `model-${models}`;
      await store().addVersion(aVersion());
      await store().addVersion(aVersion({ digest: 'sha256:bb' }));
      await store().setAlias(model, 'production', 1);
      await store().setAlias(model, 'staging', 2);
      await store().setArchived(model, 1, 1_767_225_700_000);
      const versions = (await store().findModel(model))?.versions;
      expect(versions?.map((one) => [one.archivedAt, one.aliases])).toEqual([
        [null, ['staging']],
        [1_767_225_700_000, []],
      ]);
      await store().setArchived(model, 1, null);
      expect((await store().findModel(model))?.versions[1]?.archivedAt).toBeNull();
      expect(await codeOf(store().setArchived(model, 9, 1))).toBe('VERSION_NOT_FOUND');
    });
  });
}
