import { describe, expect, it } from 'vitest';
import { BINARY } from '../../test/support/serving-fakes.ts';
import type { OutputSpec } from '../models/signature.ts';
import { compileRender } from './render.ts';

function classes(
  labels: readonly (string | number | boolean)[] | null,
  positive: string | number | null = null,
): OutputSpec {
  return { task: 'classification', labels, hasProbabilities: true, positive };
}

describe('compileRender', () => {
  it('gives a binary model the probability of its positive class', () => {
    expect(compileRender(BINARY)({ prediction: 0, probabilities: [0.77, 0.23] })).toEqual({
      predictionJson: '0',
      probabilitiesJson: '{"0":0.77,"1":0.23}',
      confidenceJson: '0.77',
      probabilityJson: '0.23',
      textJson: null,
    });
  });

  it('takes the positive class wherever it stands', () => {
    const rendered = compileRender(classes(['yes', 'no'], 'yes'))({
      prediction: 'no',
      probabilities: [0.2, 0.8],
    });
    expect(rendered).toMatchObject({ confidenceJson: '0.8', probabilityJson: '0.2' });
  });

  it('gives several classes their confidence as probability', () => {
    expect(
      compileRender(classes(['a', 'b', 'c']))({ prediction: 'b', probabilities: [0.2, 0.5, 0.3] }),
    ).toMatchObject({
      predictionJson: '"b"',
      confidenceJson: '0.5',
      probabilityJson: '0.5',
      textJson: null,
    });
  });

  it('escapes labels', () => {
    const labels = ['"quoted"', 'line\nend', '__proto__', 'é\u2028'];
    const { probabilitiesJson, predictionJson } = compileRender(classes(labels))({
      prediction: 'line\nend',
      probabilities: [0.1, 0.2, 0.3, 0.4],
    });
    expect(Object.keys(JSON.parse(probabilitiesJson ?? ''))).toEqual(labels);
    expect(JSON.parse(predictionJson)).toBe('line\nend');
  });

  it('has no names for classes that the graph does not name', () => {
    expect(compileRender(classes(null))({ prediction: 7, probabilities: [0.1, 0.9] })).toEqual({
      predictionJson: '7',
      probabilitiesJson: null,
      confidenceJson: '0.9',
      probabilityJson: '0.9',
      textJson: null,
    });
  });

  it('has neither for a classifier without probabilities, and for a regression', () => {
    const nothing = { probabilitiesJson: null, confidenceJson: null, probabilityJson: null, textJson: null };
    expect(compileRender(classes(['a']))({ prediction: 'a', probabilities: null })).toEqual({
      predictionJson: '"a"',
      ...nothing,
    });
    expect(compileRender({ task: 'regression' })({ prediction: [1, null], probabilities: null })).toEqual({
      predictionJson: '[1,null]',
      ...nothing,
    });
  });

  it('stays within JSON numbers when the model answers NaN', () => {
    const rendered = compileRender(BINARY)({
      prediction: 0,
      probabilities: new Float32Array([Number.NaN, Number.POSITIVE_INFINITY]),
    });
    expect(rendered).toMatchObject({ confidenceJson: null, probabilityJson: null });
    const probabilities: unknown = JSON.parse(rendered.probabilitiesJson ?? 'null');
    for (const value of Object.values(probabilities ?? {})) expect(typeof value).toBe('number');
  });

  it('says of a text what it took and whether it is whole', () => {
    const render = compileRender({ task: 'text' });
    expect(
      render({
        prediction: 'नमस्ते "दुनिया"',
        probabilities: null,
        text: { inputTokens: 3, outputTokens: 2, truncated: true },
      }),
    ).toMatchObject({
      predictionJson: '"नमस्ते \\"दुनिया\\""',
      textJson: '"input_tokens":3,"output_tokens":2,"truncated":true',
    });
  });
});
