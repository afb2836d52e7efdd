import { describe, expect, it } from 'vitest';
import { aVersion } from '../../test/support/serving-fakes.ts';
import {
  compareSemver,
  isArtifactUri,
  isModelPath,
  parseModelReference,
  referenceText,
  SEMVER,
  selectMajor,
  selectVersion,
} from './model-reference.ts';
import type { ModelVersion, RegisteredModel } from './model-version.ts';

const LOGGED = `models:/m-${'0123456789abcdef'.repeat(2)}`;

describe('what an endpoint names', () => {
  it.each(['./model', '../a', '/srv/model', 'model.onnx', 'file:/srv/model', 'file:///srv/m', 'C:\\m'])(
    '%s is a place on the disk',
    (text) => {
      expect([isModelPath(text), isArtifactUri(text)]).toEqual([true, false]);
    },
  );

  it.each(['runs:/0a1/model', 'runs:/0a1/model.onnx', 'mlflow-artifacts:/1/a', LOGGED, `${LOGGED}/sub`])(
    '%s is a place on the MLflow server',
    (text) => {
      expect([isModelPath(text), isArtifactUri(text)]).toEqual([false, true]);
    },
  );

  it.each(['sales', 'sales/7', 'models:/sales/Production', 'models:/m-7', 'runs'])(
    '%s is a registered model',
    (text) => {
      expect([isModelPath(text), isArtifactUri(text)]).toEqual([false, false]);
    },
  );
});

describe('parseModelReference', () => {
  it.each([
    ['sales', { model: 'sales', scheme: 'name', by: 'latest' }],
    ['sales/latest', { model: 'sales', scheme: 'name', by: 'latest' }],
    ['models:/sales', { model: 'sales', scheme: 'models', by: 'latest' }],
    ['models:/sales/latest', { model: 'sales', scheme: 'models', by: 'latest' }],
    ['sales@champion', { model: 'sales', scheme: 'name', by: 'alias', alias: 'champion' }],
    ['models:/sales@champion', { model: 'sales', scheme: 'models', by: 'alias', alias: 'champion' }],
    ['sales/7', { model: 'sales', scheme: 'name', by: 'version', version: '7' }],
    ['models:/sales/7', { model: 'sales', scheme: 'models', by: 'version', version: '7' }],
    ['sales/2.1.0', { model: 'sales', scheme: 'name', by: 'version', version: '2.1.0' }],
    ['sales/v2.1.0', { model: 'sales', scheme: 'name', by: 'version', version: '2.1.0' }],
    ['sales/2.1.0-rc.1+b5', { model: 'sales', scheme: 'name', by: 'version', version: '2.1.0-rc.1+b5' }],
    ['models:/sales/Production', { model: 'sales', scheme: 'models', by: 'stage', stage: 'Production' }],
    ['sales/staging', { model: 'sales', scheme: 'name', by: 'stage', stage: 'Staging' }],
    ['models:/a b%/3', { model: 'a b%', scheme: 'models', by: 'version', version: '3' }],
    ['a.B_c-9', { model: 'a.B_c-9', scheme: 'name', by: 'latest' }],
  ])('%s', (text, expected) => {
    expect(parseModelReference(text)).toEqual(expected);
    expect(parseModelReference(referenceText(parseModelReference(text)))).toEqual(expected);
  });

  it.each([
    '',
    '@a',
    '/7',
    'a@',
    'a/',
    'a/b/c',
    'a@b@c',
    'a@b/7',
    '-a',
    '.a',
    'a b',
    'models:/',
    'x'.repeat(129),
  ])('refuses "%s"', (text) => {
    expect(() => parseModelReference(text)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
  });

  it('takes no name of JavaScript for a stage', () => {
    expect(parseModelReference('sales/constructor')).toEqual({
      model: 'sales',
      scheme: 'name',
      by: 'version',
      version: 'constructor',
    });
  });
});

describe('compareSemver', () => {
  it('has the order of semver.org, section 11', () => {
    const order = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '2.0.0',
      '2.1.0',
      '2.1.1',
      '2.10.0',
      '10.0.0',
    ];
    for (const [i, left] of order.entries()) {
      for (const [j, right] of order.entries())
        expect(Math.sign(compareSemver(left, right)), `${left} ${right}`).toBe(Math.sign(i - j));
    }
  });

  it('passes over build metadata, and puts numbers before words', () => {
    expect(compareSemver('1.0.0+a', '1.0.0+b')).toBe(0);
    expect(compareSemver('1.0.0-1', '1.0.0-a')).toBeLessThan(0);
    expect(compareSemver('1.0.0-a', '1.0.0-1')).toBeGreaterThan(0);
  });
});

describe('SEMVER', () => {
  it.each(['0.0.4', '1.0.0-alpha-a.b-c-some.long+build.1-aef.1', '1.0.0-0A.is.legal', '1.1.2+meta-valid'])(
    'takes %s',
    (text) => expect(SEMVER.test(text)).toBe(true),
  );
  it.each(['1', '1.2', '01.1.1', '1.01.1', 'v1.0.0', '1.2.3-', '1.2.3+', '1.2.3.4', '1.2.3\n'])(
    'refuses %s',
    (text) => expect(SEMVER.test(text)).toBe(false),
  );
  it.each(['1.2.3-0123', '1.2.3-0123.0123', '1.0.0-alpha..1', '1.1.2+.123'])(
    'refuses %s, of the list of invalid ones on semver.org',
    (text) => expect(SEMVER.test(text)).toBe(false),
  );
});

function aModel(...versions: Partial<ModelVersion>[]): RegisteredModel {
  return {
    name: 'sales',
    versions: versions.map((change, i) => aVersion({ model: 'sales', number: i + 1, ...change })).reverse(),
  };
}

describe('selectVersion', () => {
  const model = aModel(
    { semver: '1.0.0' },
    { semver: '2.0.0', aliases: ['production'] },
    { semver: null },
    { semver: '3.0.0', archivedAt: 5 },
  );

  it.each([
    [{ model: 'sales', scheme: 'name', by: 'latest' }, 3],
    [{ model: 'sales', scheme: 'name', by: 'alias', alias: 'production' }, 2],
    [{ model: 'sales', scheme: 'name', by: 'stage', stage: 'Production' }, 2],
    [{ model: 'sales', scheme: 'name', by: 'stage', stage: 'Archived' }, 4],
    [{ model: 'sales', scheme: 'name', by: 'version', version: '1.0.0' }, 1],
    [{ model: 'sales', scheme: 'name', by: 'version', version: '1' }, 1],
    [{ model: 'sales', scheme: 'name', by: 'version', version: '4' }, 4],
  ] as const)('%j is number %d', (reference, number) => {
    expect(selectVersion(model, reference).number).toBe(number);
  });

  it('says what there is when there is none', () => {
    const find = (): ModelVersion =>
      selectVersion(model, { model: 'sales', scheme: 'name', by: 'alias', alias: 'champion' });
    expect(find).toThrow(expect.objectContaining({ code: 'VERSION_NOT_FOUND' }));
    expect(find).toThrow('sales has no alias "champion"; it has 3.0.0, 3, 2.0.0 @production, 1.0.0');
  });

  it('has no latest when all are archived', () => {
    expect(() =>
      selectVersion(aModel({ archivedAt: 1 }), { model: 'sales', scheme: 'name', by: 'latest' }),
    ).toThrow('sales has no version in use');
  });
});

describe('selectMajor', () => {
  it('is the newest semantic version of the major, whatever was registered last', () => {
    const model = aModel(
      { semver: '1.10.0' },
      { semver: '1.9.0' },
      { semver: '2.0.0-rc.1' },
      { semver: '2.0.0' },
    );
    expect(selectMajor(model, 1)?.semver).toBe('1.10.0');
    expect(selectMajor(model, 2)?.semver).toBe('2.0.0');
    expect(selectMajor(model, 3)).toBeNull();
  });

  it('does not read 10 as 1, passes over archived and untagged ones', () => {
    const model = aModel({ semver: '1.0.0' }, { semver: '10.0.0' }, { semver: '1.5.0', archivedAt: 9 }, {});
    expect(selectMajor(model, 1)?.semver).toBe('1.0.0');
    expect(selectMajor(model, 4)).toBeNull();
  });

  it('is the number of the registry where none carries a semantic version', () => {
    const model = aModel({}, {}, { archivedAt: 3 });
    expect(selectMajor(model, 2)?.number).toBe(2);
    expect(selectMajor(model, 3)).toBeNull();
  });
});
