import { describe, expect, it } from 'vitest';
import { aField } from '../../test/support/serving-fakes.ts';
import type { InputRecord } from './record-check.ts';
import type { RowTable } from './row-table.ts';
import type { ModelArtifact, RowOutput, Runtime, RuntimeModel } from './runtimes/runtime.ts';
import { openModel } from './servable-model.ts';
import type { Field, Signature } from './signature.ts';
import { compileTableReader } from './table-reader.ts';
import { TRANSFORM_FILE } from './transform-files.ts';

const DOCUMENT = {
  schema: 'slipway.transform/1',
  fields: [
    { name: 'amount', type: 'number' },
    { name: 'kind', type: 'string' },
  ],
  outputs: [
    { name: 'amount', from: 'amount', steps: [{ op: 'log1p' }], missing: 'nan' },
    {
      name: 'kind',
      from: 'kind',
      steps: [{ op: 'one_hot', unknown: 'zeros', fitted: { categories: ['a', 'b'] } }],
    },
  ],
};

function artifact(document: unknown): ModelArtifact {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return {
    format: 'onnx',
    flavor: 'onnx',
    origin: { registry: 'embedded', digest: null },
    entry: 'model.onnx',
    files: new Map([[TRANSFORM_FILE, Buffer.from(text)]]),
    declared: { inputs: null, outputs: null, params: [], task: null, labels: null, positiveLabel: null },
  };
}

/** A model of the given fields that answers the sum of each vector. */
class SummingModel implements RuntimeModel {
  readonly signature: Signature;
  readonly maxRows = Number.POSITIVE_INFINITY;
  readonly lanes = 1;
  readonly seen: number[][] = [];
  releases = 0;

  constructor(fields: readonly Field[]) {
    this.signature = {
      fields,
      acceptsArray: true,
      output: { task: 'regression' },
      tensors: { matrix: null, outputs: [] },
    };
  }

  async run(): Promise<readonly RowOutput[]> {
    throw new Error('takes vectors only');
  }

  async runVectors(vectors: Float32Array, count: number): Promise<readonly RowOutput[]> {
    const width = vectors.length / count;
    return Array.from({ length: count }, (_, row) => {
      const vector = [...vectors.subarray(row * width, (row + 1) * width)];
      this.seen.push(vector);
      return { prediction: vector.reduce((sum, number) => sum + number, 0), probabilities: null };
    });
  }

  async release(): Promise<void> {
    this.releases++;
  }
}

const NAMED = ['amount', 'kind_a', 'kind_b'].map((name) => aField(name));
const open = (model: RuntimeModel, document: unknown = DOCUMENT) =>
  openModel(artifact(document), { load: async () => model } satisfies Runtime);

describe('openModel', () => {
  it('feeds the model what the transform makes of raw fields', async () => {
    const model = new SummingModel(NAMED);
    const servable = await open(model);
    expect(servable.signature.fields.map(({ name, type }) => [name, type])).toEqual([
      ['amount', 'float64'],
      ['kind', 'string'],
    ]);
    expect(servable.transform?.columns).toEqual(['amount', 'kind_a', 'kind_b']);
    const rows: InputRecord[] = [
      { amount: 0, kind: 'a' },
      { amount: Math.E - 1, kind: 'b' },
      { amount: 0, kind: 'c' },
    ];
    expect((await servable.run(rows)).map((output) => output.prediction)).toEqual([1, 2, 0]);
    expect((await servable.run([{ amount: 0, kind: 'b' }])).map((output) => output.prediction)).toEqual([1]);
    expect(model.seen.at(-1)).toEqual([0, 0, 1]);
  });

  it('makes the same of rows in columns, times and missing values among them', async () => {
    const document = {
      ...DOCUMENT,
      fields: [...DOCUMENT.fields, { name: 'at', type: 'datetime', required: false }],
      outputs: [...DOCUMENT.outputs, { name: 'hour', from: 'at', steps: [{ op: 'hour' }], missing: 'nan' }],
    };
    const model = new SummingModel([...NAMED, aField('hour')]);
    const servable = await open(model, document);
    const rows: InputRecord[] = [
      { amount: 0, kind: 'a', at: '2026-03-01T10:00:00Z' },
      { amount: 3, kind: 'c', at: null },
    ];
    await servable.run(rows);
    const records = model.seen.splice(0);
    const found = compileTableReader(servable.signature.fields)?.read(Buffer.from(JSON.stringify(rows)), 0);
    await servable.runTable?.(found?.table as RowTable);
    expect(records).toEqual([
      [0, 1, 0, 10],
      [Math.fround(Math.log1p(3)), 0, 0, Number.NaN],
    ]);
    expect(model.seen).toEqual(records);
  });

  it('compares the number of columns alone with a model that has no names', async () => {
    await expect(open(new SummingModel(NAMED.map((_, i) => aField(`f${i}`))))).resolves.toBeDefined();
  });

  it.each([
    ['a column too few', NAMED.slice(0, 2), 'it makes 3 columns, the model takes 2'],
    [
      'columns that were swapped',
      [NAMED[0] as Field, NAMED[2] as Field, NAMED[1] as Field],
      'its column 2 is "kind_a", the model\'s is "kind_b"',
    ],
    ['a model of texts', [...NAMED.slice(1), aField('t', 'string')], 'input "t" is string'],
    [
      'a model of arrays',
      [...NAMED.slice(1), aField('v', 'float32', { shape: [3] })],
      'input "v" is array [3] of number',
    ],
  ])('refuses %s and gives the memory back', async (_, fields, reason) => {
    const model = new SummingModel(fields);
    await expect(open(model)).rejects.toMatchObject({
      code: 'SIGNATURE_MISMATCH',
      message: expect.stringContaining(reason),
    });
    expect(model.releases).toBe(1);
  });

  it.each([
    ['no JSON', '{', 'not valid JSON'],
    ['another document', { schema: 'x' }, 'schema'],
    [
      'a transform that was not fitted',
      { ...DOCUMENT, outputs: [{ name: 'a', from: 'amount', steps: [{ op: 'standardise' }] }] },
      'not fitted',
    ],
  ])('refuses %s before the model is loaded', async (_, document, reason) => {
    const refused = openModel(artifact(document), {
      load: () => Promise.reject(new Error('loaded')),
    });
    await expect(refused).rejects.toMatchObject({
      code: 'TRANSFORM_INVALID',
      message: expect.stringContaining(reason),
    });
  });
});
