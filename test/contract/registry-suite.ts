import { beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/kernel/errors.ts';
import type { ModelReference, NameScheme } from '../../src/models/model-reference.ts';
import type { ModelVersion } from '../../src/models/model-version.ts';
import type { EditableRegistry } from '../../src/models/registry/registry-router.ts';

/** A registry, and a model in it that nobody else uses. */
export interface RegistryUnderTest {
  readonly registry: EditableRegistry;
  readonly scheme: NameScheme;
  /** Makes the next version of a model; `content` tells versions apart, and is 1, 2 or 3. */
  addVersion(model: string, content: number, semver?: string): Promise<ModelVersion>;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => 'resolved',
    (reason: unknown) => reason,
  );
  return error instanceof AppError ? error.code : String(error);
}

let models = 0;

/** What serving and commands rely on of `ModelRegistry` and `RegistryEditor`. */
export function describeRegistry(open: () => Promise<RegistryUnderTest>): void {
  describe('ModelRegistry', () => {
    let under: RegistryUnderTest;
    beforeAll(async () => {
      under = await open();
    });

    const named = (model: string) => ({ model, scheme: under.scheme }) as const;
    const resolve = (reference: ModelReference) => under.registry.resolve(reference, { fresh: true });
    const newModel = async (count: number, semver?: string): Promise<readonly ModelVersion[]> => {
      const model = `contract-${Date.now()}-${++models}`;
      const made: ModelVersion[] = [];
      for (let content = 1; content <= count; content++)
        made.push(await under.addVersion(model, content, content === 1 ? semver : undefined));
      return made;
    };

    it('numbers versions and gives a model back with the newest first', async () => {
      const [first, second] = (await newModel(2)) as [ModelVersion, ModelVersion];
      const { name, versions } = await under.registry.getModel(first.model, under.scheme);
      expect(name).toBe(first.model);
      expect(versions.map(({ number }) => number)).toEqual([2, 1]);
      expect([first.number, second.number]).toEqual([1, 2]);
      const all = await under.registry.listModels();
      expect(all.map((model) => model.name)).toContain(first.model);
    });

    it('resolves by number, semantic version and as the newest', async () => {
      const [first, second] = (await newModel(2, '1.4.0')) as [ModelVersion, ModelVersion];
      const { model } = first;
      expect((await resolve({ ...named(model), by: 'version', version: '1' })).number).toBe(1);
      expect((await resolve({ ...named(model), by: 'version', version: '1.4.0' })).number).toBe(1);
      expect((await resolve({ ...named(model), by: 'latest' })).number).toBe(second.number);
    });

    it('says whether it is the model or the version that is not there', async () => {
      const [{ model }] = (await newModel(1)) as [ModelVersion];
      const missing = named('contract-nobody');
      expect(await codeOf(under.registry.getModel(missing.model, under.scheme))).toBe('MODEL_NOT_FOUND');
      expect(await codeOf(resolve({ ...named(model), by: 'version', version: '9' }))).toBe(
        'VERSION_NOT_FOUND',
      );
      expect(await codeOf(resolve({ ...named(model), by: 'version', version: '9.9.9' }))).toBe(
        'VERSION_NOT_FOUND',
      );
      expect(await codeOf(resolve({ ...named(model), by: 'alias', alias: 'none' }))).toBe(
        'VERSION_NOT_FOUND',
      );
      expect(await codeOf(resolve({ ...named(model), by: 'stage', stage: 'Production' }))).toBe(
        'VERSION_NOT_FOUND',
      );
    });

    it('moves an alias from one version to another', async () => {
      const [first, second] = (await newModel(2)) as [ModelVersion, ModelVersion];
      const reference = { ...named(first.model), by: 'alias', alias: 'champion' } as const;
      await under.registry.setAlias(first, 'champion');
      expect((await resolve(reference)).number).toBe(1);
      await under.registry.setAlias(second, 'champion');
      const found = await resolve(reference);
      expect([found.number, found.aliases]).toEqual([2, ['champion']]);
      const { versions } = await under.registry.getModel(first.model, under.scheme);
      expect(versions.map(({ aliases }) => aliases)).toEqual([['champion'], []]);
      expect(await under.registry.removeAlias(first.model, under.scheme, 'champion')).toBe(true);
      expect(await under.registry.removeAlias(first.model, under.scheme, 'champion')).toBe(false);
      expect(await codeOf(resolve(reference))).toBe('VERSION_NOT_FOUND');
    });

    it('has one version in Production, which its successor takes out of it', async () => {
      const [first, second] = (await newModel(2)) as [ModelVersion, ModelVersion];
      const reference = { ...named(first.model), by: 'stage', stage: 'Production' } as const;
      await under.registry.setStage(first, 'Production');
      const found = await resolve(reference);
      expect([found.number, found.stage]).toEqual([1, 'Production']);
      await under.registry.setStage(second, 'Production');
      expect((await resolve(reference)).number).toBe(2);
      const { versions } = await under.registry.getModel(first.model, under.scheme);
      expect(versions.filter(({ stage }) => stage === 'Production').map(({ number }) => number)).toEqual([2]);
    });

    it('archives a version and takes it back', async () => {
      const [only] = (await newModel(1)) as [ModelVersion];
      const reference = { ...named(only.model), by: 'version', version: '1' } as const;
      await under.registry.setStage(only, 'Archived');
      const archived = await resolve(reference);
      expect([archived.stage, archived.archivedAt]).toEqual(['Archived', expect.any(Number)]);
      await under.registry.setStage(archived, 'None');
      const back = await resolve(reference);
      expect([back.stage, back.archivedAt]).toEqual(['None', null]);
    });

    it('fetches the files of a version with what later loads are held against, the same each time', async () => {
      const [first, second] = (await newModel(2)) as [ModelVersion, ModelVersion];
      const fetched = await under.registry.fetch(first);
      expect(fetched.version.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect([...fetched.artifact.files.keys()]).toContain('MLmodel');
      expect(fetched.golden.length).toBeGreaterThan(0);
      expect(fetched.signature.fields.length).toBeGreaterThan(0);
      const again = await under.registry.fetch(
        await resolve({ ...named(first.model), by: 'version', version: '1' }),
      );
      expect(again).toEqual(fetched);
      expect((await under.registry.fetch(second)).version.digest).not.toBe(fetched.version.digest);
    });
  });
}
