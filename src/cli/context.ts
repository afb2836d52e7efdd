import type { Config } from '../config/schema.ts';
import type { ProvedConversion } from '../models/conversion/convert-model.ts';
import type { OnStage } from '../models/conversion/converter.ts';
import type { ModelVersion } from '../models/model-version.ts';
import type { Registered, Registration } from '../models/registry/registry.ts';
import type { EditableRegistry } from '../models/registry/registry-router.ts';
import type { TrainingColumns, TrainingRows } from '../models/transforms/column-batch.ts';
import type { EncodingJob } from '../models/transforms/encoding-job.ts';
import type { EndpointStatus } from '../serving/endpoint.ts';
import type { PredictionStore } from '../watching/prediction-store.ts';

export interface ConvertRequest {
  /** A reference, or a path. */
  readonly model: string;
  /** Name of the registered model, for a path. */
  readonly name?: string;
  readonly semver?: string;
  /** Rows to compare on beside the golden examples. */
  readonly rows: TrainingRows | TrainingColumns | null;
  /** How many rows to make around those. */
  readonly sample: number;
}

/** A conversion whose proof held, registered. */
export interface ConvertedVersion extends Pick<ProvedConversion, 'precision' | 'packages' | 'report'> {
  readonly original: ModelVersion;
  readonly version: ModelVersion;
  readonly created: boolean;
}

export interface CliRegistry {
  /** The embedded registry, and MLflow's where one is configured, as one. */
  readonly registry: EditableRegistry;
  register(registration: Registration): Promise<Registered>;
  /** Loads the version and replays its golden examples, as a server would; fails with why it is refused. */
  verify(version: ModelVersion): Promise<{ readonly version: ModelVersion; readonly goldenExamples: number }>;
  /** Registers a version of MLflow in the embedded registry, with what is known of it. */
  pull(version: ModelVersion, name: string): Promise<Registered>;
  /** Makes a version of the embedded registry one of MLflow's. */
  push(
    version: ModelVersion,
    name: string,
    onFile: (file: string, done: number, total: number) => void,
  ): Promise<ModelVersion>;
  /** Converts a version to ONNX and registers it; refused with CONVERSION_REFUSED where the proof does not hold. */
  convert(
    request: ConvertRequest,
    watch: { readonly onStage: OnStage; readonly signal: AbortSignal },
  ): Promise<ConvertedVersion>;
  close(): Promise<void>;
}

export interface CliServer {
  readonly url: string;
  /** host:port, or null where gRPC is off. */
  readonly grpcAddress: string | null;
  readonly logs: string;
  readonly defaultEndpoint: string | null;
  endpoints(): readonly EndpointStatus[];
  example(): object | null;
  stop(): Promise<void>;
}

export interface DoctorCheck {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
}

/** What commands need of the world, handed in by composition and built only when a command asks for it. */
export interface CliContext {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  out(text: string): void;
  err(text: string): void;
  /** Whether somebody looks at what `err` writes, so that a line may be drawn over. */
  readonly isTerminal: boolean;
  openRegistry(config: Config): Promise<CliRegistry>;
  openPredictions(config: Config): Promise<{ readonly predictions: PredictionStore; close(): Promise<void> }>;
  startServer(
    config: Config,
    onRegistered: (path: string, version: string, created: boolean) => void,
  ): Promise<CliServer>;
  /** Rows of a file, which may be gone through more than once. */
  openRows(file: string): TrainingRows | TrainingColumns;
  /** Answers with the number of rows. */
  encodeFile(job: EncodingJob): Promise<number>;
  doctor(config: Config): Promise<readonly DoctorCheck[]>;
  logsDirectory(config: Config): string;
  /** Resolves with the name of the first signal that asks the process to end. */
  untilSignal(): Promise<string>;
  /** A second signal ends the process at once. */
  exitOnNextSignal(): void;
}

export interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
}
