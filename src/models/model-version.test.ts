import { describe, expect, it } from 'vitest';
import { stageOf, versionLabel } from './model-version.ts';

describe('stageOf', () => {
  it.each([
    [[], null, 'None'],
    [['champion'], null, 'None'],
    [['staging'], null, 'Staging'],
    [['staging', 'production'], null, 'Production'],
    [['Production'], null, 'None'],
    [['production'], 1, 'Archived'],
    [[], 0, 'Archived'],
  ] as const)('aliases %j, archived at %s: %s', (aliases, archivedAt, stage) => {
    expect(stageOf({ aliases, archivedAt })).toBe(stage);
  });
});

describe('versionLabel', () => {
  it('is the semantic version, or else the number', () => {
    expect(versionLabel({ semver: '2.1.0', number: 7 })).toBe('2.1.0');
    expect(versionLabel({ semver: null, number: 7 })).toBe('7');
  });
});
