import { mkdtemp, readdir, rm, symlink, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { writeSegment } from '../../../test/support/log-lines.ts';
import { expireSegments, type SegmentState, segmentsToExpire } from './segment-expiry.ts';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const generous = { now: NOW, maxAgeDays: 30, maxBytes: 1e9 };

function state(segmentId: string, change: Partial<SegmentState> = {}): SegmentState {
  const fine = { ingested: true, finished: true, current: false };
  return { segmentId, bytes: 100, modifiedAt: NOW, ...fine, ...change };
}

it('expires by age, at the moment after', () => {
  const old = state('a', { modifiedAt: NOW - 30 * DAY - 1 });
  const young = state('b', { modifiedAt: NOW - 30 * DAY });
  expect(segmentsToExpire([young, old], generous)).toEqual(['a']);
});

it('expires the oldest until the total fits', () => {
  const segments = ['d', 'b', 'a', 'c'].map((id) => state(id));
  expect(segmentsToExpire(segments, { ...generous, maxBytes: 400 })).toEqual([]);
  expect(segmentsToExpire(segments, { ...generous, maxBytes: 399 })).toEqual(['a']);
  expect(segmentsToExpire(segments, { ...generous, maxBytes: 150 })).toEqual(['a', 'b', 'c']);
});

it.each(['ingested', 'finished', 'current'] as const)(
  'keeps a segment for its %s past both limits',
  (field) => {
    const kept = state('a', { [field]: field === 'current', modifiedAt: 0 });
    expect(segmentsToExpire([kept, state('b')], { ...generous, maxBytes: 100 })).toEqual(['b']);
  },
);

it('deletes what is in the store and finished, and never what predictions.log links to', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-expiry-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const nameOf = (id: string): string => `predictions-${id}.log`;
  const ids: string[] = [];
  for (let index = 0; index < 4; index += 1) {
    const segmentId = await writeSegment(directory, { closed: index !== 1, pid: 100 + index });
    await utimes(join(directory, nameOf(segmentId)), 1000, 1000);
    ids.push(segmentId);
  }
  const [behind, open, gone, current] = ids as [string, string, string, string];
  await symlink(nameOf(current), join(directory, 'predictions.log'));
  const expired = await expireSegments(
    {
      directory,
      store: { offsetOf: async (id) => (id === behind ? 1 : 1e9) },
      writerLife: { host: (await import('node:os')).hostname(), now: () => NOW, isAlive: () => true },
    },
    { maxAgeDays: 1, maxBytes: 1e9 },
  );
  expect(expired).toEqual([gone]);
  const left = [behind, open, current].map(nameOf);
  expect((await readdir(directory)).sort()).toEqual([...left, 'predictions.log'].sort());
});
