import type { Logger } from '../kernel/logger.ts';
import type { LoadedModel } from '../models/runtimes/runtime.ts';
import type { Batcher } from './batcher.ts';

/** A second copy of a version's model, away from the thread that answers, and the queue before it. */
export interface BulkModel {
  readonly model: LoadedModel;
  readonly batcher: Batcher;
}

/** Loads and proves the copy. `onLost` is called when it cannot run any more. */
export type OpenBulk = (onLost: () => void) => Promise<BulkModel>;

/** How long a copy that could not be loaded, or was lost, is not tried again, milliseconds. */
const RETRY_MS = 60_000;

/**
 * Where large batches of a version run, so that they neither wait for single requests nor hold them up. The copy is
 * loaded when the first large batch comes, which itself is answered without it.
 */
export class BulkLane {
  readonly #open: OpenBulk;
  readonly #name: string;
  readonly #logger: Logger;
  readonly #elapsed: () => number;
  #loading: Promise<void> | null = null;
  #ready: BulkModel | null = null;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(open: OpenBulk, name: string, logger: Logger, elapsed: () => number) {
    this.#open = open;
    this.#name = name;
    this.#logger = logger;
    this.#elapsed = elapsed;
  }

  /** The queue of the copy, or null while there is none; then its load begins. */
  batcher(): Batcher | null {
    if (this.#ready === null && this.#loading === null && this.#elapsed() >= this.#notBefore) {
      this.#loading = this.#load();
    }
    return this.#ready?.batcher ?? null;
  }

  /** Waits for what runs and gives the memory back. Nobody may ask for it any more. */
  async retire(): Promise<void> {
    await this.#loading;
    if (this.#ready === null) return;
    await this.#ready.batcher.whenIdle();
    await this.#ready.model.release();
    this.#ready = null;
  }

  async #load(): Promise<void> {
    try {
      this.#ready = await this.#open(() => this.#lose());
    } catch (error) {
      this.#notBefore = this.#elapsed() + RETRY_MS;
      this.#logger.warn(`${this.#name} has no thread for large batches; they run with the others`, { error });
    } finally {
      this.#loading = null;
    }
  }

  #lose(): void {
    this.#logger.warn(`${this.#name} lost its thread for large batches; they run with the others`);
    this.#ready = null;
    this.#notBefore = this.#elapsed() + RETRY_MS;
  }
}
