import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

describe('the pages', () => {
  const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
    .trim()
    .split('\n');

  it.each(pages)('%s links to what exists', (page) => {
    const text = readFileSync(path.join(root, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(
      (match) => match[1] as string,
    );
    for (const link of links)
      expect(() => readFileSync(path.resolve(root, path.dirname(page), link)), link).not.toThrow(/ENOENT/);
  });

  it('the README is short', () => {
    expect(readFileSync(path.join(root, 'README.md'), 'utf8').split('\n').length).toBeLessThanOrEqual(151);
  });
});

describe('the tests', () => {
  it('mock none of our own modules', () => {
    const tests = execFileSync(
      'git',
      ['ls-files', '--cached', '--others', '--exclude-standard', '*.test.ts'],
      { cwd: root, encoding: 'utf8' },
    )
      .trim()
      .split('\n');
    const mocking = tests.filter((file) =>
      /vi\.mock\(\s*['"]\./.test(readFileSync(path.join(root, file), 'utf8')),
    );
    expect(mocking).toEqual([]);
  });
});
