import { describe, expect, it } from 'vitest';
import { aField, aSignature, BINARY, FakeModel } from '../../../test/support/serving-fakes.ts';
import type { JsonValue } from '../../kernel/json.ts';
import { compileRecordCheck } from '../record-check.ts';
import type { RowOutput } from '../runtimes/runtime.ts';
import { ELEMENT_TYPES } from '../signature.ts';
import { GOLDEN_TOLERANCE, goldenExamplesSchema, makeGolden, replayGolden, syntheticRows } from './golden.ts';

function answering(prediction: JsonValue, probabilities: ArrayLike<number> | null = null): FakeModel {
  const model = new FakeModel(aSignature([aField('x')], BINARY));
  model.answer = (): RowOutput => ({ prediction, probabilities });
  return model;
}

const input = { x: 1 };

describe('makeGolden and replayGolden', () => {
  it('hold for the model that made them, through JSON', async () => {
    const model = answering('a', new Float32Array([0.1, 0.9]));
    const made = await makeGolden(model, [{ x: 1 }, { x: 2 }]);
    const read = goldenExamplesSchema.parse(JSON.parse(JSON.stringify(made)));
    await expect(replayGolden(model, read)).resolves.toBeUndefined();
    expect(model.runs.every((rows) => rows.length === 1)).toBe(true);
  });

  it('hold for a model that answers numbers that JSON does not have', async () => {
    const model = answering(null, new Float32Array([Number.NaN, Number.NaN]));
    const made = await makeGolden(model, [input]);
    const read = goldenExamplesSchema.parse(JSON.parse(JSON.stringify(made)));
    await expect(replayGolden(model, read)).resolves.toBeUndefined();
    await expect(replayGolden(answering(null, [0.5, 0.5]), read)).rejects.toMatchObject({
      code: 'GOLDEN_MISMATCH',
    });
  });

  it.each([
    [100, 100 * (1 + GOLDEN_TOLERANCE * 0.9), true],
    [100, 100 * (1 + GOLDEN_TOLERANCE * 1.5), false],
    [0, GOLDEN_TOLERANCE * 0.9, true],
    [0, GOLDEN_TOLERANCE * 1.5, false],
    ['a', 'a', true],
    ['a', 'b', false],
    [1, '1', false],
    [1, true, false],
    [null, null, true],
    [null, 0, false],
    [[1, 2], [1, 2.000001], true],
    [[1, 2], [1], false],
    [[1, 2], [1, 3], false],
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1 }, { b: 1 }, false],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: null }, { b: null }, false],
    [[1], { 0: 1 }, false],
  ] as [JsonValue, JsonValue, boolean][])('%j then %j: %s', async (before, now, holds) => {
    const replay = replayGolden(answering(now), [{ input, output: { prediction: before as never } }]);
    if (holds) await expect(replay).resolves.toBeUndefined();
    else await expect(replay).rejects.toMatchObject({ code: 'GOLDEN_MISMATCH' });
  });

  it('names the first that does not hold and by how much', async () => {
    const examples = [
      { input, output: { prediction: 2 } },
      { input, output: { prediction: 1 } },
    ];
    await expect(replayGolden(answering(2), examples)).rejects.toThrow(
      'Golden example 2 does not hold: it answered 1 and now answers 2',
    );
  });

  it('compares probabilities where the example has them', async () => {
    const example = { input, output: { prediction: 0, probabilities: [0.25, 0.75] } };
    await expect(replayGolden(answering(0, [0.25, 0.75]), [example])).resolves.toBeUndefined();
    await expect(replayGolden(answering(0, [0.3, 0.7]), [example])).rejects.toThrow('its probabilities were');
    await expect(replayGolden(answering(0, null), [example])).rejects.toThrow('its probabilities were');
    const without = { input, output: { prediction: 0 } };
    await expect(replayGolden(answering(0, [0.3, 0.7]), [without])).resolves.toBeUndefined();
  });

  it('refuse an input that does not fit and a run that fails', async () => {
    const output = { prediction: 2 };
    await expect(replayGolden(answering(2), [{ input: { y: 1 }, output }])).rejects.toThrow(
      'Golden example 1 does not hold: its input does not fit the signature: x is missing',
    );
    const model = answering(2);
    model.poison = 1;
    await expect(replayGolden(model, [{ input, output }])).rejects.toMatchObject({
      code: 'GOLDEN_MISMATCH',
      message: expect.stringContaining('poisoned run'),
    });
  });
});

describe('syntheticRows', () => {
  it('fit the signature that they are made for', () => {
    const shapes = [[], [3], [-1], [2, -1]];
    const fields = ELEMENT_TYPES.flatMap((type) =>
      shapes.map((shape) => aField(`${type}${shape}`, type, { shape })),
    );
    const signature = aSignature(fields);
    const check = compileRecordCheck(signature);
    const rows = syntheticRows(signature);
    expect(rows).toHaveLength(5);
    for (const row of rows) expect(check.problems(row)).toEqual([]);
  });
});
