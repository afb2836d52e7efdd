import { AppError, asAppError, type FieldProblem } from '../../kernel/errors.ts';
import { compareAnswers, type DifferingRow, isRefusal, type ParityReport } from '../proving/parity.ts';
import { sampleRows } from '../proving/sample-rows.ts';
import { compileRecordCheck, type InputRecord } from '../record-check.ts';
import type { ModelArtifact, Runtime } from '../runtimes/runtime.ts';
import { openModel, type ServableModel } from '../servable-model.ts';
import type { Signature } from '../signature.ts';
import { breakOf } from '../signature-difference.ts';
import type { TrainingColumns, TrainingRows } from '../transforms/column-batch.ts';
import { answersOf } from './answers.ts';
import { convertedArtifact } from './converted-files.ts';
import {
  type ConvertedGraph,
  type Converter,
  type OnStage,
  PRECISIONS,
  type Precision,
} from './converter.ts';
import { givenRows } from './given-rows.ts';

export interface Conversion {
  readonly artifact: ModelArtifact;
  /** Rows that the model is known to answer. */
  readonly golden: readonly InputRecord[];
  /** Rows that somebody gave. */
  readonly given: TrainingRows | TrainingColumns | null;
  /** How many rows to make around them. */
  readonly sample: number;
  readonly seed: number;
}

interface Dependencies {
  readonly runtime: Runtime;
  readonly converter: Converter;
  readonly onStage: OnStage;
  readonly signal: AbortSignal;
}

/** A version that answers as the original does, with the proof. */
export interface ProvedConversion {
  readonly artifact: ModelArtifact;
  readonly signature: Signature;
  readonly precision: Precision;
  readonly packages: ConvertedGraph['packages'];
  readonly report: ParityReport;
  /** Of the rows that were given, those that both answer. */
  readonly examples: readonly InputRecord[];
}

/**
 * Converts a model to ONNX and proves that it answers as the original does, in the first precision that holds. Beside what
 * the converter refuses: CONVERSION_REFUSED, whose problems are the rows that differ.
 */
export async function convertModel(conversion: Conversion, deps: Dependencies): Promise<ProvedConversion> {
  const { artifact } = conversion;
  if (artifact.format === 'onnx')
    throw new AppError('ARGUMENT_INVALID', 'It is an ONNX model already: there is nothing to convert');
  if (artifact.format !== 'python')
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `A ${artifact.format} model is not converted: what is, are models of scikit-learn, XGBoost and LightGBM`,
    );
  deps.onStage('Loading the original');
  const original = await openModel(artifact, deps.runtime);
  try {
    requireConvertible(original.signature);
    const { signature, transform } = original;
    const given = conversion.given === null ? [] : await givenRows(signature, conversion.given);
    const golden = conversion.golden.filter((row) => compileRecordCheck(signature).fits(row));
    const inner = transform === null ? signature : await innerSignature(artifact, deps.runtime);
    return await convertInAnyPrecision(conversion, { original, inner, rows: [...golden, ...given] }, deps);
  } finally {
    await original.release();
  }
}

interface Original {
  readonly original: ServableModel;
  /** Signature of the model behind its transform. */
  readonly inner: Signature;
  readonly rows: readonly InputRecord[];
}

async function convertInAnyPrecision(
  conversion: Conversion,
  source: Original,
  deps: Dependencies,
): Promise<ProvedConversion> {
  let refusal: AppError | null = null;
  for (const precision of PRECISIONS) {
    deps.signal.throwIfAborted();
    const job = { artifact: conversion.artifact, signature: source.inner, precision };
    const converted = await deps.converter.convert(job, deps.onStage, deps.signal);
    if ('failed' in converted) {
      refusal ??= new AppError(
        'MODEL_UNSUPPORTED',
        `The converter does not know this model: ${converted.failed}`,
      );
      continue;
    }
    try {
      return await prove(conversion, source, { precision, converted }, deps);
    } catch (error) {
      const reason = asAppError(error);
      if (!WORTH_ANOTHER_PRECISION.has(reason.code)) throw error;
      // Rows that differ say more than a graph that cannot be loaded.
      if (refusal === null || reason.code === 'CONVERSION_REFUSED') refusal = reason;
      deps.onStage(`In ${precision}: ${reason.message}`);
    }
  }
  throw refusal ?? new AppError('MODEL_UNSUPPORTED', 'The model cannot be converted');
}

const WORTH_ANOTHER_PRECISION: ReadonlySet<string> = new Set([
  'CONVERSION_REFUSED',
  'MODEL_UNREADABLE',
  'MODEL_UNSUPPORTED',
  'SIGNATURE_MISMATCH',
]);

async function prove(
  { artifact, sample, seed }: Conversion,
  { original, inner, rows: given }: Original,
  { precision, converted }: { readonly precision: Precision; readonly converted: ConvertedGraph },
  { runtime, onStage, signal }: Dependencies,
): Promise<ProvedConversion> {
  const made = convertedArtifact(artifact, inner, converted);
  onStage('Loading the graph');
  const model = await openModel(made, runtime);
  try {
    requireSameFields(original.signature, model.signature);
    const probes = original.transform === null ? converted.probes : {};
    const rows = [...given, ...sampleRows(original.signature, given, { count: sample, seed, probes })];
    onStage(`Comparing ${rows.length} rows`);
    const answers = await answersOf(original, rows, (done) => {
      signal.throwIfAborted();
      onStage(`Compared ${done} of ${rows.length} rows`);
    });
    const now = await answersOf(model, rows, () => undefined);
    const report = compareAnswers(original.signature.output, rows, answers, now);
    if (!report.holds) throw refused(report);
    const examples = given.filter(
      (_, i) => ![answers[i], now[i]].some((each) => each === undefined || isRefusal(each)),
    );
    return {
      artifact: made,
      signature: model.signature,
      precision,
      packages: converted.packages,
      report,
      examples,
    };
  } finally {
    await model.release();
  }
}

/** The signature that the converter has to meet: that of the model without its transform. */
async function innerSignature(artifact: ModelArtifact, runtime: Runtime): Promise<Signature> {
  const model = await runtime.load(artifact);
  await model.release();
  return model.signature;
}

function requireConvertible({ fields, output }: Signature): void {
  const param = fields.find((field) => field.param !== undefined);
  if (param !== undefined)
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `The model takes the inference parameter "${param.name}", and a graph has none: it stays with the Python runtime`,
    );
  const unfit = fields.find((field) => field.shape.length > 0 || field.format !== undefined);
  if (unfit !== undefined)
    throw new AppError(
      'MODEL_UNSUPPORTED',
      `The field "${unfit.name}" is ${unfit.format === undefined ? 'an array' : 'a time'}, and conversion takes numbers, texts and booleans`,
    );
  if (output.task === 'text')
    throw new AppError('MODEL_UNSUPPORTED', 'A model that answers texts of its own is not converted');
}

/** Fields may take more than before: callers must not notice. */
function requireSameFields(before: Signature, now: Signature): void {
  const widened = {
    ...now,
    fields: now.fields.map((field) => {
      const type = before.fields.find((each) => each.name === field.name)?.type ?? field.type;
      return type.startsWith('int') || type.startsWith('uint') ? { ...field, type } : field;
    }),
  };
  const reason = breakOf(before, widened);
  if (reason !== null) throw new AppError('SIGNATURE_MISMATCH', `Callers would notice: ${reason}`);
}

function refused(report: ParityReport): AppError {
  return new AppError(
    'CONVERSION_REFUSED',
    `The graph does not answer as the original does: ${report.reason}`,
    {
      problems: report.differing.map(problemOf),
    },
  );
}

function problemOf({ index, input, reason }: DifferingRow): FieldProblem {
  return { path: `rows[${index}]`, message: `${reason}; the row is ${JSON.stringify(input).slice(0, 500)}` };
}
