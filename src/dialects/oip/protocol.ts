import type { Datatype, InputTensor, Parameters, Tensor } from '../../contracts/oip/tensor.ts';

/**
 * The Open Inference Protocol V2 without a transport (github.com/kserve/open-inference-protocol): what REST and gRPC both
 * translate to, so that both answer the same.
 */
export interface RequestedOutput {
  readonly name: string;
  readonly parameters: Parameters;
}

export interface InferRequest {
  readonly modelName: string;
  /** Empty for the version that the endpoint serves. */
  readonly modelVersion: string;
  readonly id: string | undefined;
  readonly parameters: Parameters;
  readonly inputs: readonly InputTensor[];
  /** Null for all of them. */
  readonly outputs: readonly RequestedOutput[] | null;
}

export interface InferResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string | undefined;
  readonly parameters: Parameters;
  readonly outputs: readonly Tensor[];
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: Datatype;
  /** -1 for an axis of any length; the first is the rows. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  readonly properties: Readonly<Record<string, string>>;
}

export interface ConfiguredTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Without the axis of the rows. */
  readonly dims: readonly number[];
  /** Whether it may be left out. */
  readonly optional: boolean;
}

/** What Triton's model configuration says of a model, as far as it has a meaning here. */
export interface ModelConfig {
  readonly name: string;
  readonly platform: string;
  /** Rows of one request at the most. */
  readonly maxBatchSize: number;
  readonly inputs: readonly ConfiguredTensor[];
  readonly outputs: readonly ConfiguredTensor[];
}

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

/** Triton's states of a version in the repository. */
export type RepositoryState = 'UNAVAILABLE' | 'LOADING' | 'READY' | 'UNLOADING';

export interface RepositoryEntry {
  readonly name: string;
  readonly version: string;
  readonly state: RepositoryState;
  readonly reason: string;
}

/** Counts, and sums of nanoseconds, since the process started. A stage that is not measured has a count of 0. */
export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Unix milliseconds; 0 when there was none. */
  readonly lastInference: number;
  /** Rows. */
  readonly inferenceCount: number;
  /** Runs of the model. */
  readonly executionCount: number;
  /** Requests. */
  readonly success: Duration;
  readonly fail: Duration;
  readonly queue: Duration;
  readonly computeInput: Duration;
  readonly computeInfer: Duration;
  readonly computeOutput: Duration;
}

export interface Duration {
  readonly count: number;
  readonly ns: number;
}

/** What a transport knows of a call beside its message. */
export interface Caller {
  /** 32 hexadecimal digits, as `traceparent` has them. */
  readonly traceId: string;
  readonly routingKey: string | undefined;
  /** Logged where the request has no id. */
  readonly correlationId?: string | undefined;
  /** `clock.elapsed()` when the message was parsed. */
  readonly receivedAt: number;
  /** `oip-rest` or `oip-grpc`, for the log line. */
  readonly dialect: string;
}

/** What both transports serve. Each fails with an `AppError`; a transport turns its kind into a status. */
export interface InferenceService {
  server(): ServerMetadata;
  live(): boolean;
  ready(): boolean;
  /** MODEL_NOT_FOUND or VERSION_NOT_FOUND when there is none; false while it cannot answer. */
  modelReady(name: string, version: string): Promise<boolean>;
  model(name: string, version: string): Promise<ModelMetadata>;
  config(name: string, version: string): Promise<ModelConfig>;
  infer(request: InferRequest, caller: Caller): Promise<InferResponse>;
  /** Of all loaded versions where `name` is empty. */
  statistics(name: string, version: string): Promise<readonly ModelStatistics[]>;
  index(onlyReady: boolean): Promise<readonly RepositoryEntry[]>;
  /** Resolves when the model can answer. Nothing happens where it can already. */
  load(name: string): Promise<void>;
  /** Resolves when the model takes no new requests. MODEL_IN_USE for what an endpoint serves. */
  unload(name: string): Promise<void>;
}
