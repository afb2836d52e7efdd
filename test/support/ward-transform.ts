/** A fitted transform for the fixture xgboost-binary: a number with two steps, one that may be missing, a time, a text. */
export const WARD_TRANSFORM = {
  schema: 'slipway.transform/1',
  fields: [
    { name: 'radius', type: 'number', unit: 'mm', minimum: 0, maximum: 100 },
    { name: 'texture', type: 'number', required: false },
    { name: 'seen', type: 'datetime' },
    { name: 'ward', type: 'string' },
  ],
  outputs: [
    {
      name: 'radius',
      from: 'radius',
      steps: [{ op: 'log1p' }, { op: 'standardise', fitted: { mean: 2.7, scale: 0.35 } }],
      missing: 'nan',
    },
    { name: 'texture', from: 'texture', steps: [{ op: 'impute', with: 'mean', fitted: { value: 17.3 } }] },
    { name: 'month', from: 'seen', steps: [{ op: 'month' }] },
    {
      name: 'ward',
      from: 'ward',
      steps: [{ op: 'one_hot', unknown: 'error', fitted: { categories: ['A', 'B'] } }],
    },
  ],
};

export const WARD_ROW = { radius: 14.2, texture: 20.1, seen: '2026-03-01', ward: 'A' };
