import type { Clock } from '../kernel/clock.ts';
import { AppError, asAppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { type ModelVersion, versionLabel } from '../models/model-version.ts';
import type { ServedVersion } from './served-version.ts';

interface PoolDependencies {
  readonly load: (version: ModelVersion) => Promise<ServedVersion>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How many versions that no endpoint holds stay loaded. */
  readonly onDemandVersions: number;
}

type Slot = { readonly version: ModelVersion } & (
  | { readonly state: 'loading'; readonly ready: Promise<ServedVersion>; holds: number }
  | { readonly state: 'ready'; readonly served: ServedVersion; usedAt: number; holds: number }
  | { readonly state: 'failed'; readonly reason: AppError; readonly at: number }
);

/** Where a version stands in this process. */
export type VersionState =
  | { readonly is: 'absent' | 'loading' | 'ready' }
  | { readonly is: 'failed'; readonly reason: AppError };

/** How long a refused version is not tried again, milliseconds. */
const RETRY_FAILED_MS = 30_000;

/** The versions in memory: those that endpoints hold, and the most recently used of those that callers ask for. */
export class VersionPool {
  readonly #deps: PoolDependencies;
  readonly #slots = new Map<string, Slot>();
  #isClosed = false;

  constructor(deps: PoolDependencies) {
    this.#deps = deps;
  }

  /** Loads a version for an endpoint and keeps it; fails with the reason of the refusal. */
  async hold(version: ModelVersion): Promise<ServedVersion> {
    const slot = this.#slots.get(keyOf(version));
    if (slot?.state === 'ready') {
      slot.holds++;
      return slot.served;
    }
    if (slot?.state === 'loading') {
      slot.holds++;
      return slot.ready;
    }
    return this.#load(version, 1);
  }

  /** Takes back one `hold`; a version that nobody holds leaves memory once its last request is answered. */
  release(version: ModelVersion): void {
    const slot = this.#slots.get(keyOf(version));
    if (slot?.state !== 'ready') return;
    slot.holds--;
    if (slot.holds === 0) this.#drop(keyOf(version), slot.served);
  }

  /** The version if it is in memory; otherwise its load begins and the caller gets NOT_READY with a time to retry. */
  onDemand(version: ModelVersion): ServedVersion {
    const slot = this.#slots.get(keyOf(version));
    if (slot?.state === 'ready') {
      slot.usedAt = this.#deps.clock.elapsed();
      return slot.served;
    }
    const name = `${version.model} ${versionLabel(version)}`;
    if (slot?.state === 'failed' && this.#deps.clock.elapsed() - slot.at < RETRY_FAILED_MS) {
      throw new AppError(
        'NOT_READY',
        `${name} was refused (${slot.reason.title}); see the log and \`slipway models verify\``,
        { retryAfterSeconds: RETRY_FAILED_MS / 1000 },
      );
    }
    if (this.#deps.onDemandVersions === 0) {
      throw new AppError('NOT_READY', `${name} is not loaded, and serving.on_demand_versions is 0`, {
        retryAfterSeconds: 60,
      });
    }
    // Its reason was logged, and the next caller is told.
    if (slot?.state !== 'loading') this.#load(version, 0).catch(() => undefined);
    throw new AppError('NOT_READY', `${name} is being loaded`, { retryAfterSeconds: 1 });
  }

  /** The version once it is in memory, also when it was refused before; fails with the reason of the refusal. */
  async load(version: ModelVersion): Promise<ServedVersion> {
    const slot = this.#slots.get(keyOf(version));
    if (slot?.state === 'loading') return slot.ready;
    if (slot?.state !== 'ready' && this.#deps.onDemandVersions > 0) return this.#load(version, 0);
    return this.onDemand(version);
  }

  /** Forgets the versions of a model that no endpoint holds. Their requests under way are still answered. */
  async unload(model: string): Promise<void> {
    for (const [key, slot] of this.#slots) {
      if (slot.version.model !== model) continue;
      // Whether it comes to be ready or not: either way it goes.
      if (slot.state === 'loading') await slot.ready.catch(() => undefined);
      const now = this.#slots.get(key);
      if (now?.state === 'failed') this.#slots.delete(key);
      if (now?.state === 'ready' && now.holds === 0) this.#drop(key, now.served);
    }
  }

  stateOf(version: ModelVersion): VersionState {
    const slot = this.#slots.get(keyOf(version));
    if (slot === undefined) return { is: 'absent' };
    return slot.state === 'failed' ? { is: 'failed', reason: slot.reason } : { is: slot.state };
  }

  /** Versions in memory now. */
  loaded(): readonly ServedVersion[] {
    return [...this.#slots.values()].flatMap((slot) => (slot.state === 'ready' ? [slot.served] : []));
  }

  /** Whether the process is ending: what fails now fails for that reason. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const slots = [...this.#slots.values()];
    this.#slots.clear();
    await Promise.all(slots.flatMap((slot) => (slot.state === 'ready' ? [slot.served.retire()] : [])));
  }

  #load(version: ModelVersion, holds: number): Promise<ServedVersion> {
    const key = keyOf(version);
    const started = this.#deps.clock.elapsed();
    const ready = this.#deps.load(version).then(
      async (served) => {
        if (this.#isClosed) {
          await served.retire();
          throw new AppError('SHUTTING_DOWN', 'The process is ending');
        }
        this.#slots.set(key, {
          version,
          state: 'ready',
          served,
          usedAt: this.#deps.clock.elapsed(),
          holds: loading.holds,
        });
        this.#deps.logger.info(`${version.model} ${served.label} is ready`, {
          'event.action': 'version.ready',
          'event.duration': Math.round((this.#deps.clock.elapsed() - started) * 1e6),
        });
        this.#evict(key);
        return served;
      },
      (error: unknown) => {
        const reason = asAppError(error);
        if (this.#isClosed) throw reason;
        this.#slots.set(key, { version, state: 'failed', reason, at: this.#deps.clock.elapsed() });
        this.#deps.logger.error(`${version.model} ${versionLabel(version)} was refused: ${reason.message}`, {
          'event.action': 'version.refused',
          error,
        });
        throw reason;
      },
    );
    const loading = { version, state: 'loading' as const, ready, holds };
    this.#slots.set(key, loading);
    return ready;
  }

  /** The one that just came stays, or two versions in turn would each push the other out before it is used. */
  #evict(newest: string): void {
    const spare = [...this.#slots].flatMap(([key, slot]) =>
      slot.state === 'ready' && slot.holds === 0 ? [{ key, slot }] : [],
    );
    const tooMany = spare.length - this.#deps.onDemandVersions;
    const unused = spare
      .filter(({ key, slot }) => key !== newest && !slot.served.pinned)
      .sort((a, b) => a.slot.usedAt - b.slot.usedAt);
    for (const { key, slot } of unused.slice(0, Math.max(0, tooMany))) this.#drop(key, slot.served);
  }

  #drop(key: string, served: ServedVersion): void {
    this.#slots.delete(key);
    served
      .retire()
      .catch((error: unknown) => this.#deps.logger.error('A version could not be released', { error }));
  }
}

function keyOf(version: ModelVersion): string {
  return `${version.registry}:${version.model}/${version.number}`;
}
