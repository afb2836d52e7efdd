import { existsSync, readdirSync, readFileSync } from 'node:fs';

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { RotatingFile } from './rotating-file.ts';

const folder = () => temporaryFolder('rotating');

it('keeps three old files and loses no newer line', () => {
  const path = join(folder(), 'logs', 'app.log');
  const file = new RotatingFile({ path, maxBytes: 20, keep: 3 });
  for (let line = 0; line < 20; line++) file.append(`line ${line} ${'é'.repeat(6)}\n`);
  file.close();
  expect(readdirSync(join(path, '..')).sort()).toEqual(['app.log', 'app.log.1', 'app.log.2', 'app.log.3']);
  expect(readFileSync(path, 'utf8')).toMatch(/^line 19 é{6}\n$/);
  expect(readFileSync(`${path}.3`, 'utf8')).toMatch(/^line 16 /);
});

it('goes on with the size of a file that was there', () => {
  const path = join(folder(), 'app.log');
  for (const line of ['aaaaaaaaaa\n', 'bbbbbbbbbb\n', 'c\n']) {
    const file = new RotatingFile({ path, maxBytes: 20, keep: 3 });
    file.append(line);
    file.append('-\n');
    file.close();
  }
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('aaaaaaaaaa\n-\nbbbbbbbbbb\n');
});

it('follows when another process has rotated', () => {
  const path = join(folder(), 'app.log');
  const ours = new RotatingFile({ path, maxBytes: 10, keep: 3 });
  const theirs = new RotatingFile({ path, maxBytes: 10, keep: 3 });
  ours.append('0123456789\n');
  theirs.append('theirs 1\n');
  theirs.append('theirs 2\n');
  ours.append('ours\n');
  expect(readFileSync(path, 'utf8')).toBe('theirs 2\nours\n');
  expect(existsSync(`${path}.2`)).toBe(false);
  ours.close();
  theirs.close();
});

it('throws when the disk is full', () => {
  const full = new RotatingFile({ path: '/dev/full', maxBytes: 1e9, keep: 3 });
  expect(() => full.append('x\n')).toThrow(/ENOSPC/);
  full.close();
});
