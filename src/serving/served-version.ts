import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { type ModelVersion, versionLabel } from '../models/model-version.ts';
import { type GoldenExample, replayGolden, replayVectors } from '../models/proving/golden.ts';
import { compileRecordCheck, type InputRecord, type RecordCheck } from '../models/record-check.ts';
import type { ModelRegistry } from '../models/registry/registry.ts';
import type { ModelFormat, RowOutput, Runtime, RuntimeHealth } from '../models/runtimes/runtime.ts';
import { openModel, type ServableModel } from '../models/servable-model.ts';
import type { Signature } from '../models/signature.ts';
import { differenceOf } from '../models/signature-difference.ts';
import { compileTableReader, type TableReader } from '../models/table-reader.ts';
import { Batcher, type BatcherOptions } from './batcher.ts';
import { BulkLane, type BulkModel } from './bulk-lane.ts';

/** Rows of a run on the other thread: small enough that both threads end a request together. */
const BULK_RUN_ROWS = 200;
/** Requests of fewer rows run beside single ones: a trip to another thread would cost them more than it saves. */
const BULK_ROWS = 128;

/**
 * Everything that answers for one version, immutable once it is ready: check, runtime and schema go together. A request
 * pins it when it is admitted and unpins it after its answer; retiring waits for the last pin.
 */
export class ServedVersion {
  readonly version: ModelVersion;
  /** What answers and log lines call the version. */
  readonly label: string;
  /** What runs it. */
  readonly format: ModelFormat;
  readonly signature: Signature;
  readonly check: RecordCheck;
  readonly batcher: Batcher;
  /** Null where the model takes its rows as records only. */
  readonly tables: TableReader | null;
  /** A row that the version is known to answer, for pages and examples. */
  readonly example: InputRecord | null;
  /** Unix milliseconds. */
  readonly loadedAt: number;
  readonly #model: ServableModel;
  readonly #bulk: BulkLane | null;
  #pins = 0;
  #isRetiring = false;
  #retired: (() => void) | null = null;

  constructor(
    version: ModelVersion,
    model: ServableModel,
    batcher: Batcher,
    example: InputRecord | null,
    loadedAt: number,
    bulk: BulkLane | null = null,
    format: ModelFormat = 'onnx',
  ) {
    this.version = version;
    this.label = versionLabel(version);
    this.signature = model.signature;
    this.check = compileRecordCheck(model.signature);
    this.batcher = batcher;
    this.tables = model.runTable === undefined ? null : compileTableReader(model.signature.fields);
    this.example = example;
    this.loadedAt = loadedAt;
    this.format = format;
    this.#model = model;
    this.#bulk = bulk;
  }

  /** The queue for a request of so many rows. */
  batcherFor(rows: number): Batcher {
    if (rows < BULK_ROWS || this.#bulk === null) return this.batcher;
    return this.#bulk.batcher() ?? this.batcher;
  }

  /** Whether its answer can be handed on in pieces. */
  get streams(): boolean {
    return this.#model.stream !== undefined;
  }

  /** Answers one checked row of a model that streams, in pieces and then as a whole. */
  async stream(row: InputRecord, onPiece: (text: string) => void, signal: AbortSignal): Promise<RowOutput> {
    if (this.#model.stream === undefined)
      throw new AppError(
        'REQUEST_INVALID',
        `${this.version.model} does not answer in pieces: POST …/predict`,
      );
    return this.#model.stream(row, onPiece, signal);
  }

  /** How the model does, where it runs elsewhere; null where it runs in this process. */
  get health(): RuntimeHealth | null {
    return this.#model.health?.() ?? null;
  }

  /** What makes the model's numbers of the fields, as its fingerprint; null where nothing does. */
  get transformHash(): string | null {
    return this.#model.transform?.fingerprint ?? null;
  }

  get pinned(): boolean {
    return this.#pins > 0;
  }

  /** NOT_READY when its memory is being given back. */
  pin(): void {
    if (this.#isRetiring) {
      const name = `${this.version.model} ${this.label}`;
      throw new AppError('NOT_READY', `${name} has just been taken out of memory`, { retryAfterSeconds: 1 });
    }
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
    if (this.#pins === 0) this.#retired?.();
  }

  /** Gives the memory back once the last pin and the last run are gone. Nobody may pin it any more. */
  async retire(): Promise<void> {
    this.#isRetiring = true;
    if (this.#pins > 0) {
      await new Promise<void>((resolve) => {
        this.#retired = resolve;
      });
    }
    await this.batcher.whenIdle();
    await this.#bulk?.retire();
    await this.#model.release();
  }
}

export interface LoadDependencies {
  readonly registry: ModelRegistry;
  readonly runtime: Runtime;
  /** Loads models for large batches; told what to call when its models are lost. */
  readonly bulkRuntime: (onLost: () => void) => Runtime;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly batching: BatcherOptions;
  readonly onRun: (version: ModelVersion, rows: number, elapsedMs: number) => void;
}

/**
 * Everything that serves a version, proved. Refused with DIGEST_MISMATCH, SIGNATURE_MISMATCH, GOLDEN_MISMATCH or what
 * the runtime says; then nothing stays in memory.
 */
export async function loadVersion(asked: ModelVersion, deps: LoadDependencies): Promise<ServedVersion> {
  const { clock } = deps;
  const { model, format, golden, version } = await loadModel(asked, deps.registry, deps.runtime);
  const onRun = (rows: number, elapsedMs: number): void => deps.onRun(version, rows, elapsedMs);
  const batcher = new Batcher(model, deps.batching, clock, onRun);
  const bulkBatching = {
    ...deps.batching,
    maxBatchRows: Math.min(deps.batching.maxBatchRows, BULK_RUN_ROWS),
  };
  const openBulk = async (onLost: () => void): Promise<BulkModel> => {
    const copy = await loadModel(version, deps.registry, deps.bulkRuntime(onLost));
    return { model: copy.model, batcher: new Batcher(copy.model, bulkBatching, clock, onRun, model) };
  };
  const name = `${version.model} ${versionLabel(version)}`;
  const bulk = format === 'onnx' ? new BulkLane(openBulk, name, deps.logger, () => clock.elapsed()) : null;
  const example = (golden[0]?.input ?? null) as InputRecord | null;
  return new ServedVersion(version, model, batcher, example, clock.now(), bulk, format);
}

/** Fetches a version's files, loads them and proves them: signature and golden examples are those of its registration. */
export async function loadModel(
  asked: ModelVersion,
  registry: ModelRegistry,
  runtime: Runtime,
): Promise<{
  readonly version: ModelVersion;
  readonly model: ServableModel;
  readonly format: ModelFormat;
  readonly golden: readonly GoldenExample[];
}> {
  const { version, artifact, golden, signature } = await registry.fetch(asked);
  const model = await openModel(artifact, runtime);
  try {
    replayVectors(model, golden);
    const difference = differenceOf(signature, model.signature);
    if (difference !== null) {
      throw new AppError(
        'SIGNATURE_MISMATCH',
        `${version.model}/${version.number} no longer has the signature that was registered: ${difference}`,
      );
    }
    await replayGolden(model, golden);
  } catch (error) {
    await model.release();
    throw error;
  }
  return { version, model, format: artifact.format, golden };
}
