import type { JsonValue } from '../../kernel/json.ts';
import type { InputRecord } from '../record-check.ts';
import type { Label, Signature } from '../signature.ts';

/** What a runtime loads: files that were read once and whose digests hold. */
export interface ModelArtifact {
  /** The model file inside `files`. */
  readonly entry: string;
  /** Contents by path relative to the artifact, with `/`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What the author declared of inputs and outputs, where the format says it. */
  readonly declared: DeclaredModel;
}

export interface DeclaredModel {
  /** Columns or tensors of a declared signature, in order; null when none is declared. */
  readonly inputs: readonly DeclaredInput[] | null;
  readonly task: 'classification' | 'regression' | null;
  readonly labels: readonly Label[] | null;
  readonly positiveLabel: Label | null;
}

export interface DeclaredInput {
  /** Null for the one unnamed tensor of a tensor signature. */
  readonly name: string | null;
  /** MLflow's column type, or the dtype of a tensor. */
  readonly type: string;
  readonly required: boolean;
  /** Shape with the batch dimension, for tensors; null for columns. */
  readonly shape: readonly number[] | null;
}

/** The model's answer for one row. */
export interface RowOutput {
  readonly prediction: JsonValue;
  /** Probabilities in the order of the signature's labels. */
  readonly probabilities: ArrayLike<number> | null;
}

/** A model in memory, ready to run. */
export interface LoadedModel {
  readonly signature: Signature;
  /** Rows of one run at the most; 1 when the graph fixes its batch axis. */
  readonly maxRows: number;
  /** Runs that may be under way at a time. */
  readonly lanes: number;
  /**
   * Runs rows that passed the signature's check; one output per row, in order. Fails as a whole, with
   * INFERENCE_FAILED.
   */
  run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]>;
  /** Gives memory back. The caller makes sure that no run is under way. */
  release(): Promise<void>;
}

/** A model as its runtime has it, which also takes its fields as numbers that lie ready. */
export interface RuntimeModel extends LoadedModel {
  /**
   * Like `run`, for `count` rows of a model whose fields are all scalar numbers: `vectors` has their values row by row,
   * in the order of the fields. It may be used anew once this returns.
   */
  runVectors(vectors: Float32Array, count: number): Promise<readonly RowOutput[]>;
}

export interface Runtime {
  /**
   * Loads an artifact and binds its inputs to fields. Refuses with MODEL_UNREADABLE, MODEL_UNSUPPORTED or
   * SIGNATURE_MISMATCH, the message saying which input or node and what to do.
   */
  load(artifact: ModelArtifact): Promise<RuntimeModel>;
}
