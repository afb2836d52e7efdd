import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { aVersion } from '../../../../test/support/serving-fakes.ts';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { VersionRecords } from './version-records.ts';

it('keeps what was fetched, the one used longest ago first', async () => {
  const folder = temporaryFolder('slipway-records-');
  const records = new VersionRecords(folder);
  const [a, b] = [aVersion({ model: 'a b/c', number: 1 }), aVersion({ model: 'a b/c', number: 2 })];
  await records.keepFetched(a);
  await records.keepFetched(b);
  const old = new Date(0);
  for (const name of ['1.json', '2.json'])
    utimesSync(path.join(folder, 'versions', encodeURIComponent('a b/c'), name), old, old);
  expect(await new VersionRecords(folder).fetched('a b/c', 1)).toEqual(a);
  expect((await records.allFetched()).map(({ number }) => number)).toEqual([2, 1]);
  await records.forget(a);
  expect(await records.fetched('a b/c', 1)).toBeNull();
  expect(await records.allFetched()).toEqual([b]);
});

it('keeps what a reference meant', async () => {
  const records = new VersionRecords(temporaryFolder('slipway-records-'));
  expect(await records.meant('models:/a@b')).toBeNull();
  await records.keepMeant('models:/a@b', aVersion({ number: 3 }));
  await records.keepMeant('models:/a@b', aVersion({ number: 4 }));
  expect(await records.meant('models:/a@b')).toMatchObject({ number: 4 });
});

it('takes a file that cannot be read for none', async () => {
  const folder = temporaryFolder('slipway-records-');
  const records = new VersionRecords(folder);
  await records.keepFetched(aVersion({ model: 'm', number: 1 }));
  const [file = ''] = readdirSync(path.join(folder, 'versions/m'));
  writeFileSync(path.join(folder, 'versions/m', file), '{"model": ');
  expect(await records.fetched('m', 1)).toBeNull();
  expect(await records.allFetched()).toEqual([]);
});
