import { describe, expect, it } from 'vitest';
import { readYaml } from './yaml-layer.ts';

describe('readYaml', () => {
  it('knows the line of a key, of its nearest section, and through an alias', () => {
    const yaml = readYaml('a:\n  b: &x\n    c: 1\n  d: *x\n');
    expect(
      [['a', 'b', 'c'], ['a', 'missing'], ['missing'], ['a', 'd', 'c']].map((path) => yaml.lineOf(path)),
    ).toEqual([3, 1, undefined, 3]);
  });

  it.each([
    ['syntax', 'a: 1\nb: [1,\nc: }', /^line \d/],
    ['duplicate keys', 'a: 1\na: 2', /^line 2: .*unique/],
    ['unknown tags', 'a: !!js/function "x"', /^line 1: Unresolved tag/],
    ['several documents', 'a: 1\n---\nb: 1', /multiple documents/],
    ['a list', '- 1', /keys and values, not array/],
    ['a word', 'hello', /keys and values, not string/],
    ['keys that are not text', '? [a]\n: 1', /^line 1: .*string/i],
    ['too large a file', `a: ${'x'.repeat(1024 * 1024)}`, /larger than 1 MiB/],
    ['depth of flow collections', `a: ${'['.repeat(20_000)}`, /32 levels/],
    ['depth on one line', `a:\n  ${'- '.repeat(20_000)}x`, /32 levels/],
    ['depth of explicit keys', `${'? '.repeat(20_000)}x`, /32 levels/],
    [
      'depth by indentation',
      Array.from({ length: 1_200 }, (_, depth) => `${' '.repeat(depth)}k:`).join('\n'),
      /32 levels/,
    ],
  ])('refuses %s', (_, text, expected) => {
    const { values, problems } = readYaml(text);
    expect(values).toEqual({});
    expect(problems.join('\n')).toMatch(expected);
  });

  it('does not unfold a bomb of aliases', () => {
    const rows = Array.from(
      { length: 20 },
      (_, row) => `r${row + 1}: &r${row + 1} [${`*r${row},`.repeat(9)}]`,
    );
    const started = performance.now();
    expect(readYaml(`r0: &r0 x\n${rows.join('\n')}`).problems[0]).toMatch(/alias/i);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
