import type { Clock } from '../kernel/clock.ts';
import { AppError, asAppError, type ErrorKind } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import {
  canMove,
  type ModelReference,
  type NamedModel,
  parseModelReference,
} from '../models/model-reference.ts';
import { isSameVersion, type ModelVersion, versionLabel } from '../models/model-version.ts';
import type { ModelRegistry } from '../models/registry/registry.ts';
import type { ModelFormat, RuntimeHealth } from '../models/runtimes/runtime.ts';
import { breakOf } from '../models/signature-difference.ts';
import type { Redact } from './prediction-log/redaction.ts';
import type { ServedVersion } from './served-version.ts';
import type { ServingMeter } from './serving-meter.ts';
import { createTarget, type Target } from './target.ts';
import type { VersionPool } from './version-pool.ts';

/** What an endpoint is told to serve. */
export interface EndpointSpec {
  readonly name: string;
  readonly reference: string;
  /** Why what is to be served could not even be registered; it then serves nothing. */
  readonly refusal: AppError | null;
  readonly required: boolean;
  readonly redact: Redact | null;
  /** The fields that `redact` is about. */
  readonly redactedFields: readonly string[];
  /** Whether a version may take over that no longer takes the rows, or gives the answers, of the one that serves. */
  readonly onSignatureChange: 'refuse' | 'accept';
}

/** A version that is to take over, or that was refused. */
export interface CandidateStatus {
  readonly version: string;
  readonly number: number;
  readonly state: 'loading' | 'refused';
  readonly reason: string | null;
  /** ISO 8601. */
  readonly since: string;
  readonly next_try: string | null;
}

/** An endpoint as health shows it. */
export interface EndpointStatus {
  readonly name: string;
  readonly required: boolean;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly reference: string;
  readonly model: string | null;
  readonly version: string | null;
  readonly revision: number;
  /** Why it is not ready. */
  readonly reason: string | null;
  /** What runs the version that serves. */
  readonly format: ModelFormat | null;
  /** How its model does, where that runs in processes of its own or on another server. */
  readonly runtime: RuntimeHealth | null;
  readonly candidate: CandidateStatus | null;
  /** Versions that served before and are kept warm, newest first. */
  readonly previous: readonly string[];
}

/** Which version an endpoint served last, kept across restarts. */
export interface LastServed {
  read(endpoint: string): Promise<ModelVersion | null>;
  write(endpoint: string, version: ModelVersion): Promise<void>;
}

export interface EndpointDependencies {
  readonly registry: ModelRegistry;
  readonly pool: VersionPool;
  readonly meter: ServingMeter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly lastServed: LastServed;
  readonly statusOf: (error: AppError) => number;
  /** How many versions that served before stay in memory, and for how long. */
  readonly keepPrevious: number;
  readonly rollbackWindowMs: number;
}

interface Candidate {
  readonly version: ModelVersion;
  readonly since: number;
  readonly refusal: AppError | null;
  readonly attempts: number;
  readonly nextTryAt: number | null;
}

interface Kept {
  readonly served: ServedVersion;
  readonly until: number;
}

/** Kinds of failures that say that something is away, and nothing of the version. */
const PASSING: ReadonlySet<ErrorKind> = new Set(['bad_remote', 'unavailable', 'timeout']);
const FIRST_RETRY_MS = 15_000;
const SLOWEST_RETRY_MS = 10 * 60_000;

/**
 * One endpoint of this process: the version that serves, the one that is to take over, and those kept for a way back.
 * A version takes traffic once it is loaded, proven and warm, by one assignment; whatever fails leaves the one that serves alone.
 */
export class Endpoint {
  readonly spec: EndpointSpec;
  readonly #deps: EndpointDependencies;
  readonly #reference: ModelReference;
  #target: Target | null = null;
  #failure: AppError | null = null;
  #candidate: Candidate | null = null;
  #previous: readonly Kept[] = [];
  #revision = 0;
  /** Whether what it needs was away when it started. */
  #isAwaiting = false;

  constructor(spec: EndpointSpec, deps: EndpointDependencies) {
    this.spec = spec;
    this.#deps = deps;
    // What was not registered has no name: that of the endpoint stands for it, and is never looked up.
    this.#reference = parseModelReference(spec.refusal === null ? spec.reference : spec.name);
  }

  /** What answers, or null while nothing can. */
  get target(): Target | null {
    return this.#target;
  }

  get failure(): AppError | null {
    return this.#failure;
  }

  /** The model's name and whose it is, for references to its other versions. */
  get named(): NamedModel {
    const { model, scheme } = this.#reference;
    return { model, scheme };
  }

  /** Whether what it serves may change while it runs, or may come that was away when it started. */
  get follows(): boolean {
    return this.spec.refusal === null && (canMove(this.#reference) || this.#isAwaiting);
  }

  status(): EndpointStatus {
    const { spec } = this;
    const served = this.#target?.served ?? null;
    return {
      name: spec.name,
      required: spec.required,
      state: served !== null ? 'ready' : this.#failure === null ? 'loading' : 'failed',
      reference: spec.reference,
      model: served?.version.model ?? null,
      version: served?.label ?? null,
      revision: this.#revision,
      reason: this.#failure?.message ?? null,
      format: served?.format ?? null,
      runtime: served?.health ?? null,
      candidate: this.#candidate === null ? null : statusOf(this.#candidate),
      previous: this.#previous.map(({ served: kept }) => kept.label),
    };
  }

  /** Serves what the reference points at, or else what it served last. A refusal is kept as its state, not thrown. */
  async start(): Promise<void> {
    try {
      if (this.spec.refusal !== null) throw this.spec.refusal;
      await this.#prepare(await this.#resolve());
    } catch (error) {
      this.#failure = asAppError(error);
    }
    if (this.#target !== null) return;
    await this.#serveLast();
    if (this.#target !== null) return;
    this.#isAwaiting = this.#failure !== null && PASSING.has(this.#failure.kind);
    this.#deps.logger.error(
      `Endpoint ${this.spec.name} cannot serve ${this.spec.reference}: ${this.#failure?.message}`,
      { 'event.action': 'endpoint.failed' },
    );
  }

  /**
   * Looks where the reference points now; another version is prepared and takes over. A version that was refused is not
   * tried again before its time. Fails only when the registry cannot be asked.
   */
  async follow(): Promise<void> {
    this.#expire();
    const version = await this.#resolve({ fresh: true });
    const serving = this.#target?.served.version;
    if (serving !== undefined && isSameVersion(serving, version)) {
      this.#candidate = null;
      return;
    }
    const known = this.#candidate;
    const isKnown = known !== null && isSameVersion(known.version, version);
    if (isKnown && known.nextTryAt !== null && this.#deps.clock.now() < known.nextTryAt) return;
    await this.#prepare(version, isKnown ? known.attempts : 0);
  }

  async #resolve(options?: { readonly fresh: boolean }): Promise<ModelVersion> {
    return this.#deps.registry.resolve(this.#reference, options);
  }

  /** Loads and proves a version and lets it take over; a refusal becomes the candidate's state. */
  async #prepare(version: ModelVersion, attempts = 0): Promise<void> {
    const { pool, clock, logger, meter } = this.#deps;
    const since = clock.now();
    this.#candidate = { version, since, refusal: null, attempts, nextTryAt: null };
    try {
      const served = await pool.hold(version);
      try {
        this.#requireFit(served);
      } catch (error) {
        pool.release(served.version);
        throw error;
      }
      this.#switchTo(served);
      await this.#deps.lastServed.write(this.spec.name, served.version);
    } catch (error) {
      if (pool.isClosed) return;
      const refusal = asAppError(error);
      const waitMs = Math.min(SLOWEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempts);
      this.#candidate = {
        version,
        since,
        refusal,
        attempts: attempts + 1,
        nextTryAt: clock.now() + waitMs,
      };
      if (this.#target === null) this.#failure = refusal;
      meter.switched(this.spec.name, 'refused');
      logger.error(
        `Endpoint ${this.spec.name} does not take ${version.model} ${versionLabel(version)}: ${refusal.message}`,
        { 'event.action': 'version.refused', 'error.code': refusal.code },
      );
    }
  }

  #requireFit(served: ServedVersion): void {
    requireFields(this.spec, served);
    const serving = this.#target?.served;
    if (serving === undefined || this.spec.onSignatureChange === 'accept') return;
    const reason = breakOf(serving.signature, served.signature);
    if (reason === null) return;
    throw new AppError(
      'SIGNATURE_MISMATCH',
      `It would break the callers of ${serving.label}: ${reason}; endpoints.${this.spec.name}.on_signature_change: accept lets it take over`,
    );
  }

  #switchTo(served: ServedVersion): void {
    const { meter, clock, logger, rollbackWindowMs } = this.#deps;
    const before = this.#target?.served ?? null;
    this.#revision++;
    this.#target = this.#createTarget(served);
    this.#failure = null;
    this.#candidate = null;
    if (before === null) return;
    const kept = this.#previous.filter((each) => each.served !== served);
    // The one that comes back is held twice now: once as kept, once as serving.
    if (kept.length < this.#previous.length) this.#deps.pool.release(served.version);
    this.#previous = [{ served: before, until: clock.now() + rollbackWindowMs }, ...kept];
    this.#expire();
    meter.switched(this.spec.name, 'switched');
    logger.info(`Endpoint ${this.spec.name} serves ${served.version.model} ${served.label}`, {
      'event.action': 'version.switched',
      'slipway.previous_version': before.label,
      'slipway.revision': this.#revision,
    });
  }

  #createTarget(served: ServedVersion): Target {
    const { meter, statusOf: status } = this.#deps;
    const { name, redact } = this.spec;
    return createTarget({
      endpoint: name,
      revision: this.#revision,
      served,
      meter,
      redact,
      statusOf: status,
    });
  }

  /** Gives back the versions whose way back is over. */
  #expire(): void {
    const now = this.#deps.clock.now();
    const stay = this.#previous.slice(0, this.#deps.keepPrevious).filter(({ until }) => until > now);
    for (const kept of this.#previous) if (!stay.includes(kept)) this.#deps.pool.release(kept.served.version);
    this.#previous = stay;
  }

  /** At a start: what is refused now must not keep the endpoint from serving what it served before. */
  async #serveLast(): Promise<void> {
    const { lastServed, pool, logger } = this.#deps;
    const last = await lastServed.read(this.spec.name);
    const refused = this.#candidate?.version;
    const isAnother = last !== null && last.model === this.#reference.model;
    if (!isAnother || (refused !== undefined && isSameVersion(last, refused)) || !this.follows) return;
    const candidate = this.#candidate;
    try {
      const served = await pool.hold(last);
      requireFields(this.spec, served);
      const reason = this.#failure?.message;
      this.#switchTo(served);
      this.#candidate = candidate;
      logger.warn(`Endpoint ${this.spec.name} serves ${last.model} ${served.label} as before: ${reason}`, {
        'event.action': 'endpoint.fallback',
      });
    } catch (error) {
      logger.error(`Endpoint ${this.spec.name} cannot serve what it served before either`, { error });
    }
  }
}

function statusOf({ version, refusal, since, nextTryAt }: Candidate): CandidateStatus {
  return {
    version: versionLabel(version),
    number: version.number,
    state: refusal === null ? 'loading' : 'refused',
    reason: refusal?.message ?? null,
    since: new Date(since).toISOString(),
    next_try: nextTryAt === null ? null : new Date(nextTryAt).toISOString(),
  };
}

/** A name that is misspelt would leave in the log what was to stay out of it. */
function requireFields(spec: EndpointSpec, served: ServedVersion): void {
  const known = new Set(served.signature.fields.map((field) => field.name));
  const unknown = spec.redactedFields.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new AppError(
    'CONFIG_INVALID',
    `endpoints.${spec.name}.redact names ${unknown.join(', ')}, which ${served.version.model} does not have`,
  );
}
