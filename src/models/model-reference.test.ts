import { describe, expect, it } from 'vitest';
import { compareSemver, parseModelReference, selectMajor, selectVersion } from './model-reference.ts';
import type { ModelVersion, RegisteredModel } from './model-version.ts';

const version = (number: number, semver: string | null, more: Partial<ModelVersion> = {}): ModelVersion => ({
  model: 'sales',
  number,
  semver,
  digest: `sha256:${number}`,
  files: [],
  flavor: 'onnx',
  source: '',
  metadata: {},
  aliases: [],
  createdAt: 0,
  archivedAt: null,
  ...more,
});
const modelOf = (...versions: ModelVersion[]): RegisteredModel => ({
  name: 'sales',
  versions: versions.toSorted((a, b) => b.number - a.number),
});

describe('a reference', () => {
  it.each([
    ['sales', { model: 'sales', by: 'latest' }],
    ['sales@champion', { model: 'sales', by: 'alias', alias: 'champion' }],
    ['sales/7', { model: 'sales', by: 'version', version: '7' }],
    ['sales/v2.1.0', { model: 'sales', by: 'version', version: '2.1.0' }],
    ['models:/sales/Production', { model: 'sales', by: 'alias', alias: 'production' }],
    ['models:/sales/latest', { model: 'sales', by: 'latest' }],
    ['models:/sales@champion', { model: 'sales', by: 'alias', alias: 'champion' }],
  ])('%s', (text, expected) => {
    expect(parseModelReference(text)).toEqual(expected);
  });

  it.each(['', '/7', 'sales/', 'sales@', 'a b', '../sales', 'sales/7/8', 'sales@a@b', 'x'.repeat(200)])(
    '"%s" is none',
    (text) => {
      expect(() => parseModelReference(text)).toThrowError(
        expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
      );
    },
  );
});

describe('which version is meant', () => {
  const model = modelOf(
    version(1, '1.0.0'),
    version(2, '1.1.0', { aliases: ['champion'] }),
    version(3, '2.0.0', { archivedAt: 1 }),
  );

  it('latest and aliases pass over the archive, a number does not', () => {
    expect(selectVersion(model, { model: 'sales', by: 'latest' }).number).toBe(2);
    expect(selectVersion(model, { model: 'sales', by: 'alias', alias: 'champion' }).number).toBe(2);
    expect(selectVersion(model, { model: 'sales', by: 'version', version: '3' }).number).toBe(3);
    expect(selectVersion(model, { model: 'sales', by: 'version', version: '1.0.0' }).number).toBe(1);
    expect(() => selectVersion(model, { model: 'sales', by: 'alias', alias: 'nobody' })).toThrowError(
      /no alias "nobody"; it has 2\.0\.0, 1\.1\.0 @champion, 1\.0\.0/,
    );
  });

  it('a major is the newest of its semantic versions, or the number where there are none', () => {
    expect(
      selectMajor(modelOf(version(1, '1.9.0'), version(2, '1.10.0'), version(3, '2.0.0')), 1)?.number,
    ).toBe(2);
    expect(selectMajor(modelOf(version(1, '1.0.0'), version(2, null)), 2)).toBeNull();
    expect(selectMajor(modelOf(version(1, null), version(2, null)), 2)?.number).toBe(2);
  });

  it('semantic versions stand in the order of semver.org, section 11', () => {
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.2.0',
      '1.10.0',
      '2.0.0',
    ];
    expect(ordered.toReversed().sort(compareSemver)).toEqual(ordered);
  });
});
