import type { JsonValue } from '../../kernel/json.ts';
import type { RegistryKind } from '../model-version.ts';
import type { InputRecord } from '../record-check.ts';
import type { RowTable } from '../row-table.ts';
import type { Label, Signature } from '../signature.ts';

/** How the files of an artifact are run: each format has a runtime. */
export const MODEL_FORMATS = ['onnx', 'python', 'text', 'remote'] as const;
export type ModelFormat = (typeof MODEL_FORMATS)[number];

/** What a runtime loads: files that were read once and whose digests hold. */
export interface ModelArtifact {
  readonly format: ModelFormat;
  /** MLflow's word for who made it, or the kind of file. */
  readonly flavor: string;
  /** The model file inside `files`, or the file that a directory is known by: `MLmodel`, `config.json`, `remote.json`. */
  readonly entry: string;
  /** Contents by path relative to the artifact, with `/`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What the author declared of inputs and outputs, where the format says it. */
  readonly declared: DeclaredModel;
  readonly origin: ArtifactOrigin;
}

/** Whose files these are, for whoever decides whether their code may run. */
export interface ArtifactOrigin {
  readonly registry: RegistryKind;
  /** Digest of the completed version; null while it is being registered. */
  readonly digest: string | null;
}

export interface DeclaredModel {
  /** Columns or tensors of a declared signature, in order; null when none is declared. */
  readonly inputs: readonly DeclaredInput[] | null;
  readonly outputs: readonly DeclaredInput[] | null;
  /** Inference parameters, each with its default. */
  readonly params: readonly DeclaredParam[];
  readonly task: 'classification' | 'regression' | null;
  readonly labels: readonly Label[] | null;
  readonly positiveLabel: Label | null;
  /** The only texts that a column takes, by its name. */
  readonly oneOf?: Readonly<Record<string, readonly string[]>>;
  /** Columns that must be sent, though they may be null, which MLflow's own form cannot say. */
  readonly mustBeSent?: readonly string[];
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

export interface DeclaredParam {
  readonly name: string;
  /** MLflow's type of a scalar. */
  readonly type: string;
  readonly default: JsonValue;
  /** Null for a scalar; [-1] for a list. */
  readonly shape: readonly number[] | null;
}

/** The model's answer for one row. */
export interface RowOutput {
  readonly prediction: JsonValue;
  /** Probabilities in the order of the signature's labels. */
  readonly probabilities: ArrayLike<number> | null;
  /** Of a text that a model made. */
  readonly text?: TextFacts;
}

/** What is known of a text beside itself; counts are in tokens of the model. */
export interface TextFacts {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Whether the model was given less than the whole text, or stopped at its longest answer. */
  readonly truncated: boolean;
}

/** How a model does that runs elsewhere: in processes of its own, or on another server. */
export interface RuntimeHealth {
  /** `degraded`: answers, but less of it runs than should. `down`: nothing can be answered now. */
  readonly status: 'ok' | 'degraded' | 'down';
  /** For the people who operate it; null when ok. */
  readonly reason: string | null;
}

/** A model in memory, ready to run. */
export interface LoadedModel {
  readonly signature: Signature;
  /** Rows of one run at the most; 1 when the graph fixes its batch axis. */
  readonly maxRows: number;
  /** Runs that may be under way at a time. */
  readonly lanes: number;
  /**
   * Runs rows that passed the signature's check; one output per row, in order. Fails as a whole: with
   * INFERENCE_FAILED where fewer rows may pass, with WORKER_LOST where the process that ran them died.
   */
  run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]>;
  /** Like `run` for rows in columns, of a model whose fields are all scalars. Absent where rows have to be records. */
  runTable?(table: RowTable): Promise<readonly RowOutput[]>;
  /** Like `run` for one row of a text model, which hands on pieces of the answer as they are ready. */
  stream?(row: InputRecord, onPiece: (text: string) => void, signal: AbortSignal): Promise<RowOutput>;
  /** Absent for a model that runs in this process and can only fail by answer. */
  health?(): RuntimeHealth;
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
   * Loads an artifact and binds its inputs to fields. Refuses with MODEL_UNREADABLE, MODEL_UNSUPPORTED,
   * SIGNATURE_MISMATCH, UNTRUSTED_CODE, ENVIRONMENT_INCOMPLETE or RUNTIME_MISSING, the message saying what and what to do.
   */
  load(artifact: ModelArtifact): Promise<RuntimeModel>;
}
