import type { Probes } from '../proving/sample-rows.ts';
import type { ModelArtifact } from '../runtimes/runtime.ts';
import type { Signature } from '../signature.ts';

/** What a graph computes in, the one to be tried first before the other. Numbers come in as float64 either way. */
export const PRECISIONS = ['float64', 'float32'] as const;
export type Precision = (typeof PRECISIONS)[number];

export interface ConversionJob {
  readonly artifact: ModelArtifact;
  /** Of the model as its runtime has it, without a transform. */
  readonly signature: Signature;
  readonly precision: Precision;
}

/** Told what is being done. */
export type OnStage = (message: string) => void;

/** A graph that may answer as the original does. */
export interface ConvertedGraph {
  /** An ONNX model, whose inputs have the names of the original's fields or take them all as one matrix. */
  readonly graph: Uint8Array;
  /** Versions of what took part. */
  readonly packages: Readonly<Record<string, string>>;
  /** Values of fields at which the model may change its mind. */
  readonly probes: Probes;
}

/** Makes ONNX graphs of models of other formats. */
export interface Converter {
  /**
   * Null with a reason where another precision may do. Refuses with MODEL_UNSUPPORTED, naming the step that cannot be
   * converted and what to do, ENVIRONMENT_INCOMPLETE, UNTRUSTED_CODE or MODEL_UNREADABLE. Whoever aborts the signal gets
   * its reason.
   */
  convert(
    job: ConversionJob,
    onStage: OnStage,
    signal: AbortSignal,
  ): Promise<ConvertedGraph | { readonly failed: string }>;
}
