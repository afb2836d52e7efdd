import { describe, expect, it } from 'vitest';
import { showProgress } from './progress.ts';

function shown(isTerminal: boolean, options: object, everyMs: number): string {
  let text = '';
  let now = 0;
  const err = (piece: string): void => {
    text += piece;
  };
  const progress = showProgress({ err, isTerminal }, options, 'out.csv', () => now);
  for (let step = 1; step <= 4; step++) {
    now += everyMs;
    progress.update(step * 1_000, step / 4);
  }
  progress.end();
  return text;
}

describe('showProgress', () => {
  it('draws a bar over itself where somebody looks', () => {
    const text = shown(true, {}, 1_000);
    expect(text).toContain('\r\x1b[K[############------------] out.csv  2,000 rows  1,000 rows/s  50 %');
    expect(text.endsWith('\r\x1b[K')).toBe(true);
  });

  it('writes a line every few seconds elsewhere', () => {
    expect(shown(false, {}, 2_500).split('\n')).toEqual([
      'out.csv  2,000 rows  400 rows/s  50 %',
      'out.csv  4,000 rows  400 rows/s  100 %',
      '',
    ]);
  });

  it.each([{ json: true }, { quiet: true }])('says nothing with %j', (options) => {
    expect(shown(true, options, 1_000)).toBe('');
  });
});
