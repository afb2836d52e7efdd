import { expect, it } from 'vitest';
import { SeriesSet } from './series-set.ts';

const shown = (set: SeriesSet<'a' | 'b', object>) =>
  set.all().map(({ labels }) => `${labels['a']}/${labels['b']}`);

it('gives the same series for the same labels and sends the rest to one', () => {
  const set = new SeriesSet(['a', 'b'], 2, () => ({}));
  const first = set.with({ a: '1', b: '2' });
  expect(set.with({ b: '2', a: '1' })).toBe(first);
  set.with({ a: '12', b: '' });
  const third = set.with({ a: '', b: '12' });
  expect(set.with({ a: 'x', b: 'y' })).toBe(third);
  expect(set.with({ a: '1', b: '2' })).toBe(first);
  expect(shown(set)).toEqual(['1/2', '12/', 'other/other']);
});

it('makes room by taking away', () => {
  const set = new SeriesSet(['a', 'b'], 2, () => ({}));
  set.with({ a: '1', b: 'x' });
  set.with({ a: '1', b: 'y' });
  set.forget({ a: '1', b: 'x' });
  expect(shown(set)).toEqual(['1/y']);
  set.remove({ a: '1', b: 'y' });
  expect(shown(set)).toEqual([]);
});

it('cuts values at 128 characters', () => {
  const set = new SeriesSet(['a', 'b'], 2, () => ({}));
  expect(set.with({ a: 'x'.repeat(500), b: '' })).toBe(set.with({ a: 'x'.repeat(128), b: '' }));
  set.forget({ a: 'x'.repeat(500) });
  expect(shown(set)).toEqual([]);
});

it('has its one series from the start when there are no labels', () => {
  expect(new SeriesSet([], 2, () => ({})).all()).toHaveLength(1);
});
