import { describe, expect, it } from 'vitest';
import { BINARY, seeded } from '../../../test/support/serving-fakes.ts';
import type { OutputSpec } from '../signature.ts';
import { type Answer, compareAnswers } from './parity.ts';

const REGRESSION: OutputSpec = { task: 'regression' };
const GENERIC: OutputSpec = { task: 'generic', outputs: [] };
const row = (x: number) => ({ x });
const binary = (p: number, prediction = Number(p > 0.5)): Answer => ({
  prediction,
  probabilities: [1 - p, p],
});
const number = (prediction: number | null): Answer => ({ prediction, probabilities: null });

function compare(spec: OutputSpec, original: readonly Answer[], converted: readonly Answer[]) {
  return compareAnswers(
    spec,
    original.map((_, i) => row(i)),
    original,
    converted,
  );
}

describe('compareAnswers', () => {
  it('holds for identical answers, whatever they are', () => {
    const random = seeded(11);
    for (let run = 0; run < 50; run++) {
      const classes = Array.from({ length: 40 }, () => binary(random()));
      const numbers = Array.from({ length: 40 }, () => number((random() - 0.5) * 10 ** (random() * 20 - 10)));
      const copy = (answers: readonly Answer[]): Answer[] => structuredClone([...answers]);
      expect(compare(BINARY, classes, copy(classes))).toMatchObject({
        holds: true,
        maxProbabilityDifference: 0,
      });
      expect(compare(REGRESSION, numbers, copy(numbers))).toMatchObject({
        holds: true,
        maxRelativeDifference: 0,
      });
    }
  });

  it('is broken by one label far from the boundary, wherever it is', () => {
    const random = seeded(12);
    for (let run = 0; run < 50; run++) {
      const original = Array.from({ length: 30 }, () => binary(random() < 0.5 ? 0.1 : 0.9));
      const at = Math.floor(random() * original.length);
      const converted = original.map((answer, i) =>
        i === at && 'prediction' in answer
          ? { ...answer, prediction: 1 - Number(answer.prediction) }
          : answer,
      );
      const report = compare(BINARY, original, converted);
      expect(report).toMatchObject({ holds: false, labelsDiffering: 1, boundaryRows: 0, brokenRows: 1 });
      expect(report.differing[0]).toMatchObject({ index: at, input: row(at) });
    }
  });

  it('counts a label on the boundary, and lets a few of them be', () => {
    const sure = Array.from({ length: 99 }, () => binary(0.9));
    const tie = binary(0.5 + 1e-9, 1);
    const report = compare(BINARY, [...sure, tie], [...sure, binary(0.5 - 1e-9, 0)]);
    expect(report).toMatchObject({ holds: true, labelsDiffering: 1, boundaryRows: 1, brokenRows: 0 });
  });

  it('does not hold where many rows are on the boundary', () => {
    const original = Array.from({ length: 50 }, () => binary(0.5, 1));
    const report = compare(
      BINARY,
      original,
      original.map(() => binary(0.5, 0)),
    );
    expect(report).toMatchObject({ holds: false, boundaryRows: 50, brokenRows: 0 });
    expect(report.reason).toContain('decision boundary');
  });

  it('does not take a label for one on the boundary by the word of the converted model alone', () => {
    const report = compare(BINARY, [binary(0.9)], [binary(0.5, 0)]);
    expect(report).toMatchObject({ holds: false, boundaryRows: 0 });
  });

  it('is broken by a probability that differs under the same label', () => {
    expect(compare(BINARY, [binary(0.9)], [binary(0.9 + 5e-6)]).holds).toBe(true);
    const report = compare(BINARY, [binary(0.9), binary(0.9)], [binary(0.9), binary(0.91)]);
    expect(report).toMatchObject({ holds: false, labelsDiffering: 0, brokenRows: 1 });
    expect(report.maxProbabilityDifference).toBeCloseTo(0.01);
    expect(report.meanProbabilityDifference).toBeCloseTo(0.005);
  });

  it('is broken where probabilities are gone, and not where there are some now', () => {
    const bare: Answer = { prediction: 1, probabilities: null };
    expect(compare(BINARY, [binary(0.9)], [bare]).holds).toBe(false);
    expect(compare(BINARY, [bare], [binary(0.9)])).toMatchObject({
      holds: true,
      maxProbabilityDifference: null,
    });
  });

  it('takes what is no number on both sides for the same, and on one side for different', () => {
    const nan: Answer = { prediction: 1, probabilities: [Number.NaN, Number.NaN] };
    expect(compare(BINARY, [nan], [structuredClone(nan)]).holds).toBe(true);
    expect(compare(BINARY, [nan], [binary(0.9)]).holds).toBe(false);
    expect(compare(BINARY, [binary(0.9)], [nan]).holds).toBe(false);
    expect(compare(REGRESSION, [number(null)], [number(null)]).holds).toBe(true);
    expect(compare(REGRESSION, [number(null)], [number(0)]).holds).toBe(false);
    expect(compare(REGRESSION, [number(0)], [number(null)]).holds).toBe(false);
  });

  it('measures numbers by their own size or the usual one', () => {
    const usual = Array.from({ length: 9 }, () => number(1000));
    expect(compare(REGRESSION, [...usual, number(0)], [...usual, number(0.005)]).holds).toBe(true);
    expect(compare(REGRESSION, [...usual, number(0)], [...usual, number(0.5)]).holds).toBe(false);
    expect(compare(REGRESSION, [number(1e-3)], [number(1.1e-3)]).holds).toBe(false);
  });

  it('goes through answers of several numbers, and does not take true for 1', () => {
    const several = (...values: number[]): Answer => ({ prediction: values, probabilities: null });
    expect(compare(GENERIC, [several(1, 2)], [several(1, 2)]).holds).toBe(true);
    expect(compare(GENERIC, [several(1, 2)], [several(1, 3)]).holds).toBe(false);
    expect(compare(GENERIC, [several(1, 2)], [several(1)]).holds).toBe(false);
    const yes: Answer = { prediction: true, probabilities: null };
    expect(compare(BINARY, [yes], [{ prediction: 1, probabilities: null }]).holds).toBe(false);
  });

  it('counts refusals: one of the converted model alone breaks the proof, one of the original does not', () => {
    const refusal: Answer = { refusal: 'unknown category' };
    const report = compare(BINARY, [binary(0.9), refusal, refusal], [binary(0.9), refusal, binary(0.1)]);
    expect(report).toMatchObject({ holds: true, compared: 1, refusedByOriginal: 1, refusedByBoth: 1 });
    expect(compare(BINARY, [binary(0.9)], [refusal])).toMatchObject({ holds: false, brokenRows: 1 });
  });

  it('does not hold where nothing was compared', () => {
    expect(compare(BINARY, [], []).holds).toBe(false);
    expect(compare(BINARY, [{ refusal: 'no' }], [{ refusal: 'no' }]).holds).toBe(false);
  });

  it('shows the first rows that differ and counts all', () => {
    const original = Array.from({ length: 200 }, () => binary(0.9));
    const report = compare(
      BINARY,
      original,
      original.map(() => binary(0.1)),
    );
    expect(report.brokenRows).toBe(200);
    expect(report.differing).toHaveLength(20);
  });
});
