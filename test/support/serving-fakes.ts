import type { Clock } from '../../src/kernel/clock.ts';
import { AppError } from '../../src/kernel/errors.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { type ModelReference, selectVersion } from '../../src/models/model-reference.ts';
import { type ModelVersion, type RegisteredModel, stageOf } from '../../src/models/model-version.ts';
import type { InputRecord } from '../../src/models/record-check.ts';
import type { ModelRegistry } from '../../src/models/registry/registry.ts';
import type { RowOutput } from '../../src/models/runtimes/runtime.ts';
import type { ServableModel } from '../../src/models/servable-model.ts';
import type { ElementType, Field, OutputSpec, Signature } from '../../src/models/signature.ts';
import { Batcher, type BatcherOptions } from '../../src/serving/batcher.ts';
import { ServedVersion } from '../../src/serving/served-version.ts';
import type { ServingMeter } from '../../src/serving/serving-meter.ts';
import { VersionTally } from '../../src/serving/version-tally.ts';

/** A clock that stands still until a test moves it. */
export class HandClock implements Clock {
  wall = Date.UTC(2026, 2, 1, 10);
  at = 1_000;

  now(): number {
    return this.wall;
  }

  elapsed(): number {
    return this.at;
  }

  advance(ms: number): void {
    this.wall += ms;
    this.at += ms;
  }
}

export function aField(name: string, type: ElementType = 'float32', change: Partial<Field> = {}): Field {
  return { name, type, shape: [], required: true, nullable: false, ...change };
}

export const BINARY: OutputSpec = {
  task: 'classification',
  labels: [0, 1],
  hasProbabilities: true,
  positive: 1,
};

export function aSignature(
  fields: readonly Field[] = [aField('x')],
  output: OutputSpec = { task: 'regression' },
): Signature {
  return { fields, acceptsArray: false, output, tensors: { matrix: null, outputs: [] } };
}

export function aVersion(change: Partial<ModelVersion> = {}): ModelVersion {
  return {
    registry: 'embedded',
    stage: stageOf({ aliases: [], archivedAt: null, ...change }),
    model: 'risk',
    number: 1,
    semver: null,
    digest: 'sha256:00',
    files: [],
    flavor: 'onnx',
    source: './risk.onnx',
    metadata: {},
    aliases: [],
    createdAt: 0,
    archivedAt: null,
    ...change,
  };
}

/** Answers each row with twice its `x`; a row whose `x` is `poison` fails the whole run, as a session does. */
export class FakeModel implements ServableModel {
  readonly transform = null;
  readonly signature: Signature;
  readonly maxRows: number;
  lanes = 1;
  readonly runs: (readonly InputRecord[])[] = [];
  releases = 0;
  poison: number | null = null;
  failure: () => Error = () => new Error('poisoned run');
  /** Called inside each run, so that a test can move its clock. */
  onRun: () => void = () => undefined;
  #gate: Promise<void> = Promise.resolve();
  #begun: (() => void)[] = [];

  constructor(signature: Signature = aSignature(), maxRows = Number.POSITIVE_INFINITY) {
    this.signature = signature;
    this.maxRows = maxRows;
  }

  async run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    this.runs.push(rows);
    for (const begun of this.#begun.splice(0)) begun();
    await this.#gate;
    this.onRun();
    if (this.poison !== null && rows.some((row) => row['x'] === this.poison)) throw this.failure();
    return rows.map((row) => this.answer(row));
  }

  answer(row: InputRecord): RowOutput {
    return { prediction: Number(row['x']) * 2, probabilities: null };
  }

  async release(): Promise<void> {
    this.releases++;
  }

  /** Runs wait until the function that this answers is called. */
  hold(): () => void {
    let open: () => void = () => undefined;
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }

  /** Resolves when the next run has begun. */
  begun(): Promise<void> {
    return new Promise((resolve) => this.#begun.push(resolve));
  }
}

const BATCHING: BatcherOptions = { maxBatchRows: 256, maxQueueRows: 1_000, deadlineMs: 10_000 };

export function aServedVersion(
  version: ModelVersion = aVersion(),
  model: FakeModel = new FakeModel(),
  clock: Clock = new HandClock(),
  batching: Partial<BatcherOptions> = {},
): ServedVersion {
  const batcher = new Batcher(model, { ...BATCHING, ...batching }, clock, () => undefined);
  return new ServedVersion(version, model, batcher, null, clock.now());
}

export class FakeServingMeter implements ServingMeter {
  readonly outcomes: Record<string, number> = {};
  inflightNow = 0;
  unloggedCount = 0;
  readonly #tally = new VersionTally();

  target(): ReturnType<ServingMeter['target']> {
    const nothing = { observe: () => undefined };
    return {
      queue: nothing,
      inference: nothing,
      tally: this.#tally,
      count: (outcome) => {
        this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
      },
    };
  }

  inflight(change: 1 | -1): void {
    this.inflightNow += change;
  }

  readonly switches: string[] = [];

  switched(endpoint: string, outcome: string): void {
    this.switches.push(`${endpoint} ${outcome}`);
  }

  unlogged(): void {
    this.unloggedCount++;
  }

  run(): void {}

  tally(): VersionTally {
    return this.#tally;
  }
}

/** As many turns of the microtask queue as any chain under test needs. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** The next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A row as JSON.parse makes it, so that `__proto__` is a key like any other. */
export function parsedRow(text: string): JsonObject {
  return JSON.parse(text) as JsonObject;
}

/** Seeded numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A registry of these models, whose files nobody asks for. */
export class FakeRegistry implements ModelRegistry {
  readonly #models: readonly RegisteredModel[];

  constructor(models: readonly RegisteredModel[]) {
    this.#models = models;
  }

  async listModels(): Promise<readonly RegisteredModel[]> {
    return this.#models;
  }

  async getModel(name: string): Promise<RegisteredModel> {
    const model = this.#models.find((candidate) => candidate.name === name);
    if (model === undefined) throw new AppError('MODEL_NOT_FOUND', `no ${name}`);
    return model;
  }

  async resolve(reference: ModelReference): Promise<ModelVersion> {
    return selectVersion(await this.getModel(reference.model), reference);
  }

  fetch(): never {
    throw new Error('the fake pool does not fetch');
  }
}
