import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { type ModelVersion, versionLabel } from '../models/model-version.ts';
import { replayGolden } from '../models/proving/golden.ts';
import { compileRecordCheck, type InputRecord, type RecordCheck } from '../models/record-check.ts';
import type { ModelRegistry } from '../models/registry/registry.ts';
import type { LoadedModel, Runtime } from '../models/runtimes/runtime.ts';
import type { Signature } from '../models/signature.ts';
import { Batcher, type BatcherOptions } from './batcher.ts';

/**
 * Everything that answers for one version, immutable once it is ready: check, runtime and schema go together. A request
 * pins it when it is admitted and unpins it after its answer; retiring waits for the last pin.
 */
export class ServedVersion {
  readonly version: ModelVersion;
  /** What answers and log lines call the version. */
  readonly label: string;
  readonly signature: Signature;
  readonly check: RecordCheck;
  readonly batcher: Batcher;
  /** A row that the version is known to answer, for pages and examples. */
  readonly example: InputRecord | null;
  /** Unix milliseconds. */
  readonly loadedAt: number;
  readonly #model: LoadedModel;
  #pins = 0;
  #retired: (() => void) | null = null;

  constructor(
    version: ModelVersion,
    model: LoadedModel,
    batcher: Batcher,
    example: InputRecord | null,
    loadedAt: number,
  ) {
    this.version = version;
    this.label = versionLabel(version);
    this.signature = model.signature;
    this.check = compileRecordCheck(model.signature);
    this.batcher = batcher;
    this.example = example;
    this.loadedAt = loadedAt;
    this.#model = model;
  }

  get pinned(): boolean {
    return this.#pins > 0;
  }

  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
    if (this.#pins === 0) this.#retired?.();
  }

  /** Gives the memory back once the last pin and the last run are gone. Nobody may pin it any more. */
  async retire(): Promise<void> {
    if (this.#pins > 0) {
      await new Promise<void>((resolve) => {
        this.#retired = resolve;
      });
    }
    await this.batcher.whenIdle();
    await this.#model.release();
  }
}

export interface LoadDependencies {
  readonly registry: ModelRegistry;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly batching: BatcherOptions;
  readonly onRun: (version: ModelVersion, rows: number, elapsedMs: number) => void;
}

/**
 * Fetches, loads, proves and warms a version. Refused with DIGEST_MISMATCH, SIGNATURE_MISMATCH, GOLDEN_MISMATCH or what
 * the runtime says; then nothing stays in memory.
 */
export async function loadVersion(version: ModelVersion, deps: LoadDependencies): Promise<ServedVersion> {
  const { artifact, golden, signature } = await deps.registry.fetch(version);
  const model = await deps.runtime.load(artifact);
  try {
    if (!isDeepStrictEqual(JSON.parse(JSON.stringify(model.signature)), signature)) {
      throw new AppError(
        'SIGNATURE_MISMATCH',
        `The graph of ${version.model}/${version.number} no longer has the signature that was registered`,
      );
    }
    await replayGolden(model, golden);
  } catch (error) {
    await model.release();
    throw error;
  }
  const batcher = new Batcher(model, deps.batching, deps.clock, (rows, elapsedMs) =>
    deps.onRun(version, rows, elapsedMs),
  );
  const example = (golden[0]?.input ?? null) as InputRecord | null;
  return new ServedVersion(version, model, batcher, example, deps.clock.now());
}
