import { describe, expect, it } from 'vitest';
import { marianOptions } from './marian-options.ts';

const SETTINGS = { beams: null, maxOutputTokens: 256 };
const lineOf = (
  config: Parameters<typeof marianOptions>[0],
  name: string,
  settings = SETTINGS,
  file = 'm.alphas.bin',
) => new RegExp(`^${name}: (.*)$`, 'm').exec(marianOptions(config, file, settings).document)?.[1];

describe('marianOptions', () => {
  it("takes the model's own way to decode, and nothing of its paths and memory", () => {
    const config = {
      'beam-size': 3,
      'word-penalty': 0.5,
      workspace: 9999,
      models: ['/etc/passwd'],
      quiet: false,
    };
    expect(lineOf(config, 'beam-size')).toBe('3');
    expect(lineOf(config, 'word-penalty')).toBe('0.5');
    expect(lineOf(config, 'workspace')).toBe('128');
    expect(marianOptions(config, 'm.bin', SETTINGS).document).not.toMatch(/models|passwd|quiet: false/);
  });

  it('takes only numbers for numbers', () => {
    expect(lineOf({ 'beam-size': '1\nmodels: [x]' }, 'beam-size')).toBe('1');
  });

  it("lets the caller's beams win", () => {
    expect(lineOf({ 'beam-size': 3 }, 'beam-size', { beams: 5, maxOutputTokens: 256 } as never)).toBe('5');
  });

  it('reads the kind of weights from the name of their file', () => {
    expect(lineOf({}, 'gemm-precision', SETTINGS, 'model.enhi.intgemm8.bin')).toBe('int8shiftAll');
    expect(lineOf({}, 'gemm-precision', SETTINGS, 'model.enpt.intgemm.alphas.bin')).toBe('int8shiftAlphaAll');
  });

  it('bounds what is translated at a time by the longest answer', () => {
    expect(lineOf({}, 'max-length-break')).toBe('128');
    expect(lineOf({ 'max-length-factor': 4 }, 'max-length-break', { beams: null, maxOutputTokens: 40 })).toBe(
      '10',
    );
    expect(lineOf({}, 'max-length-break', { beams: null, maxOutputTokens: 1 })).toBe('1');
  });
});
