import { describe, expect, it } from 'vitest';
import { depthOf, hasMoreNames } from './json-shape.ts';

describe('depthOf', () => {
  it('counts lists and objects, and no brackets in strings', () => {
    expect(depthOf('{"[[[":[{"a":"{\\"["}]}', 64)).toBe(3);
    expect(depthOf('1', 64)).toBe(0);
  });

  it('stops one beyond the most that is asked for', () => {
    expect(depthOf('['.repeat(1_000), 64)).toBe(65);
  });
});

describe('hasMoreNames', () => {
  const names = (count: number, gap = '') =>
    `{${Array.from({ length: count }, (_, i) => `"name ${i}"${gap}: "value ${i}"`).join(', ')}}`;

  it.each([
    ['side by side', names(100), 100],
    ['with white space before the colon', names(100, ' \t\r\n'), 100],
    ['in objects of their own', `[${Array.from({ length: 100 }, (_, i) => `{"a${i}":1}`).join(',')}]`, 100],
    ['inside each other', `${'{"a":{"b":'.repeat(50)}1${'}}'.repeat(50)}`, 2],
    ['the same in every row', `[${'{"a":"x","b":2},'.repeat(99)}{}]`, 2],
    ['with quotes and colons in strings', '{"a\\":":"b\\":","c":"\\\\"}', 2],
    ['of which one is empty', '{"":1,"a":2}', 2],
  ])('tells %s from one fewer', (_, text, count) => {
    expect(hasMoreNames(text, count)).toBe(false);
    expect(hasMoreNames(text, count - 1)).toBe(true);
  });

  it.each(['', '1', '"a', '{"a', '"\\', '{"a"'])('comes to an end with %j', (text) => {
    expect(hasMoreNames(text, 10)).toBe(false);
  });
});
