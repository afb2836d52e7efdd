import { describe, expect, it } from 'vitest';
import { aField, aSignature, FakeModel } from '../../../test/support/serving-fakes.ts';
import { AppError } from '../../kernel/errors.ts';
import type { InputRecord } from '../record-check.ts';
import type { ModelArtifact, RowOutput, Runtime, RuntimeModel } from '../runtimes/runtime.ts';
import type { Signature } from '../signature.ts';
import { convertModel } from './convert-model.ts';
import type { Converter, Precision } from './converter.ts';

const SIGNATURE = aSignature([aField('x', 'float64')]);

/** Twice its `x`, or what a test makes of it; refuses a row whose `x` is negative, where it is told to. */
class Doubling extends FakeModel {
  error = 0;
  refusesNegative = false;

  override answer(row: InputRecord): RowOutput {
    if (this.refusesNegative && Number(row['x']) < 0) throw new AppError('INFERENCE_FAILED', 'negative');
    return { prediction: Number(row['x']) * 2 + this.error, probabilities: null };
  }

  runVectors(): Promise<never> {
    throw new Error('no transform here');
  }
}

interface Setting {
  readonly original?: Doubling;
  /** By precision, which is the content of the graph. */
  readonly graphs?: Partial<Record<Precision, Doubling | string>>;
  readonly format?: ModelArtifact['format'];
}

function setting({ original = new Doubling(SIGNATURE), graphs = {}, format = 'python' }: Setting) {
  const models = { float64: new Doubling(SIGNATURE), float32: new Doubling(SIGNATURE), ...graphs };
  const asked: Precision[] = [];
  const converter: Converter = {
    async convert({ precision }) {
      asked.push(precision);
      const model = models[precision];
      if (typeof model === 'string') return { failed: model };
      return { graph: Buffer.from(precision), packages: { skl2onnx: '1.20.0' }, probes: {} };
    },
  };
  const runtime: Runtime = {
    async load({ format: is, files }) {
      const precision = Buffer.from(files.get('model.onnx') ?? []).toString() as Precision;
      return (is === 'onnx' ? models[precision] : original) as unknown as RuntimeModel;
    },
  };
  const declared = { inputs: null, outputs: null, params: [], task: null, labels: null, positiveLabel: null };
  const artifact: ModelArtifact = {
    format,
    flavor: 'pickle',
    entry: 'model.pkl',
    files: new Map(),
    declared,
    origin: { registry: 'embedded', digest: null },
  };
  const convert = () =>
    convertModel(
      { artifact, golden: [{ x: 1 }, { x: 2.5 }], given: null, sample: 100, seed: 1 },
      { runtime, converter, onStage: () => undefined, signal: new AbortController().signal },
    );
  return { convert, asked, original };
}

function wrong(): Doubling {
  const model = new Doubling(SIGNATURE);
  model.error = 1;
  return model;
}

describe('convertModel', () => {
  it('answers with the first precision that holds, and gives the models back', async () => {
    const { convert, asked, original } = setting({});
    const proved = await convert();
    expect(proved).toMatchObject({ precision: 'float64', examples: [{ x: 1 }, { x: 2.5 }] });
    expect(proved.report).toMatchObject({ holds: true, rows: 102, compared: 102 });
    expect([...proved.artifact.files.keys()]).toEqual(['model.onnx', 'MLmodel']);
    expect(asked).toEqual(['float64']);
    expect(original.releases).toBe(1);
  });

  it.each([
    ['the converter does not know it', 'no float64'],
    ['its rows differ', wrong()],
  ])('tries float32 where in float64 %s', async (_reason, float64) => {
    const { convert, asked } = setting({ graphs: { float64 } });
    expect((await convert()).precision).toBe('float32');
    expect(asked).toEqual(['float64', 'float32']);
  });

  it('is refused with the rows that differ where no precision holds', async () => {
    const { convert, original } = setting({ graphs: { float64: wrong(), float32: 'no float32' } });
    const error = await convert().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CONVERSION_REFUSED' });
    const { problems } = error as AppError;
    expect(problems[0]).toMatchObject({ path: 'rows[0]' });
    expect(problems[0]?.message).toContain('{"x":1}');
    expect(original.releases).toBe(1);
  });

  it('finds the rows that the original refuses, and compares the others', async () => {
    const original = new Doubling(SIGNATURE);
    original.refusesNegative = true;
    const { report } = await setting({ original }).convert();
    expect(report.holds).toBe(true);
    expect(report.refusedByOriginal).toBeGreaterThan(2);
    expect(report.compared + report.refusedByOriginal).toBe(102);
  });

  it('ends with what is not the fault of a row', async () => {
    const original = new Doubling(SIGNATURE);
    original.onRun = () => {
      throw new AppError('WORKER_LOST', 'killed');
    };
    await expect(setting({ original }).convert()).rejects.toMatchObject({ code: 'WORKER_LOST' });
  });

  const changed = (signature: Signature) => ({
    float64: new Doubling(signature),
    float32: new Doubling(signature),
  });

  it('is refused where callers would notice another field', async () => {
    const graphs = changed(aSignature([aField('y', 'float64')]));
    await expect(setting({ graphs }).convert()).rejects.toMatchObject({ code: 'SIGNATURE_MISMATCH' });
  });

  it.each([
    ['a parameter', aField('top', 'int64', { required: false, param: { default: 1 } })],
    ['an array', { ...aField('v'), shape: [3] }],
    ['a time', aField('at', 'string', { format: 'date-time' })],
  ])('does not convert a model that takes %s', async (_what, field) => {
    const original = new Doubling(aSignature([aField('x', 'float64'), field]));
    const { convert, asked } = setting({ original });
    await expect(convert()).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    expect(asked).toEqual([]);
    expect(original.releases).toBe(1);
  });

  it.each([
    ['onnx', 'ARGUMENT_INVALID'],
    ['text', 'MODEL_UNSUPPORTED'],
    ['remote', 'MODEL_UNSUPPORTED'],
  ] as const)('does not convert what is %s', async (format, code) => {
    await expect(setting({ format }).convert()).rejects.toMatchObject({ code });
  });
});
