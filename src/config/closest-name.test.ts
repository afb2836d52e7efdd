import { expect, it } from 'vitest';
import { closestKey, closestName, editDistance } from './closest-name.ts';

it('counts a swap of neighbours as one slip', () => {
  expect(editDistance('prot', 'port')).toBe(1);
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
});

it('suggests only what is near', () => {
  expect(closestName('sever', ['server', 'serving'])).toBe('server');
  expect(closestName('banana', ['server', 'serving'])).toBeUndefined();
  expect(closestName('x'.repeat(100_000), ['server'])).toBeUndefined();
});

it('finds a key that stands in the wrong section', () => {
  expect(closestKey([], 'max_batch_rows')).toBe('serving.max_batch_rows');
  expect(closestKey(['endpoints'], 'x')).toBeUndefined();
});
