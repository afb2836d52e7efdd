import { AppError, asAppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { type ModelReference, parseModelReference, selectMajor } from '../models/model-reference.ts';
import { type ModelVersion, versionLabel } from '../models/model-version.ts';
import type { ModelRegistry } from '../models/registry/registry.ts';
import type { Redact } from './prediction-log/redaction.ts';
import type { ServedVersion } from './served-version.ts';
import type { ServingMeter } from './serving-meter.ts';
import { createTarget, type Target } from './target.ts';
import type { VersionPool } from './version-pool.ts';

/** What an endpoint is told to serve. */
export interface EndpointSpec {
  readonly name: string;
  readonly reference: string;
  readonly required: boolean;
  readonly redact: Redact | null;
  /** The fields that `redact` is about. */
  readonly redactedFields: readonly string[];
}

/** An endpoint as health shows it. */
export interface EndpointStatus {
  readonly name: string;
  readonly required: boolean;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly model: string | null;
  readonly version: string | null;
  /** Why it is not ready. */
  readonly reason: string | null;
}

interface FleetDependencies {
  readonly registry: ModelRegistry;
  readonly pool: VersionPool;
  readonly meter: ServingMeter;
  readonly logger: Logger;
  readonly endpoints: readonly EndpointSpec[];
  readonly defaultEndpoint: string | null;
  readonly statusOf: (error: AppError) => number;
}

interface Endpoint {
  readonly spec: EndpointSpec;
  target: Target | null;
  failure: AppError | null;
}

/** Revision of endpoints that stand as the configuration has them. */
const CONFIGURED_REVISION = 1;

/** The endpoints of this process and the versions behind them. */
export class Fleet {
  readonly #deps: FleetDependencies;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #onDemand = new WeakMap<ServedVersion, Map<string, Target>>();

  constructor(deps: FleetDependencies) {
    this.#deps = deps;
    this.#endpoints = new Map(
      deps.endpoints.map((spec) => [spec.name, { spec, target: null, failure: null }]),
    );
  }

  /** Loads every endpoint's version, one after the other. A refusal is kept as the endpoint's state, not thrown. */
  async start(): Promise<void> {
    for (const endpoint of this.#endpoints.values()) await this.#startEndpoint(endpoint);
  }

  get defaultEndpoint(): string | null {
    return this.#deps.defaultEndpoint;
  }

  endpoints(): readonly EndpointStatus[] {
    return [...this.#endpoints.values()].map(({ spec, target, failure }) => ({
      name: spec.name,
      required: spec.required,
      state: target !== null ? 'ready' : failure === null ? 'loading' : 'failed',
      model: target?.served.version.model ?? null,
      version: target?.served.label ?? null,
      reason: failure?.message ?? null,
    }));
  }

  /** Whether every required endpoint can answer. */
  get ready(): boolean {
    return [...this.#endpoints.values()].every(({ spec, target }) => !spec.required || target !== null);
  }

  loaded(): readonly ServedVersion[] {
    return this.#deps.pool.loaded();
  }

  /** The default endpoint's target; NOT_READY or MODEL_NOT_FOUND. */
  default(): Target {
    const name = this.#deps.defaultEndpoint;
    if (name === null)
      throw new AppError(
        'MODEL_NOT_FOUND',
        'No endpoint is configured: `slipway serve PATH`, or endpoints in slipway.yaml',
      );
    return this.#targetOf(this.#endpoints.get(name) as Endpoint);
  }

  /** By endpoint name, or by the name of a registered model that an endpoint serves. */
  named(name: string): Target {
    const endpoint = this.#endpoints.get(name) ?? this.#ofModel(name);
    if (endpoint === null) {
      const known = [...this.#endpoints.keys()].slice(0, 10).join(', ');
      throw new AppError(
        'MODEL_NOT_FOUND',
        `There is no endpoint or served model of that name; there is ${known}`,
      );
    }
    return this.#targetOf(endpoint);
  }

  /** A version by number, semantic version or alias: at once when in memory, else NOT_READY while it loads. */
  async version(name: string, reference: (model: string) => ModelReference): Promise<Target> {
    const endpoint = this.#endpoints.get(name) ?? this.#ofModel(name);
    const model = endpoint === null ? name : modelOf(endpoint);
    return this.#onDemandTarget(endpoint, await this.#deps.registry.resolve(reference(model)));
  }

  /** The newest version of a major of the default endpoint's model. */
  async major(major: number): Promise<Target> {
    const endpoint = this.#endpoints.get(this.#deps.defaultEndpoint ?? '');
    if (endpoint === undefined) return this.default();
    const model = await this.#deps.registry.getModel(modelOf(endpoint));
    const version = selectMajor(model, major);
    if (version === null) throw new AppError('VERSION_NOT_FOUND', `${model.name} has no version ${major}`);
    return this.#onDemandTarget(endpoint, version);
  }

  async #startEndpoint(endpoint: Endpoint): Promise<void> {
    const { spec } = endpoint;
    try {
      const version = await this.#deps.registry.resolve(parseModelReference(spec.reference));
      const served = await this.#deps.pool.hold(version);
      requireFields(spec, served);
      endpoint.target = this.#createTarget(spec, served);
      endpoint.failure = null;
    } catch (error) {
      endpoint.failure = asAppError(error);
      this.#deps.logger.error(
        `Endpoint ${spec.name} cannot serve ${spec.reference}: ${endpoint.failure.message}`,
        { 'event.action': 'endpoint.failed' },
      );
    }
  }

  #targetOf(endpoint: Endpoint): Target {
    if (endpoint.target !== null) return endpoint.target;
    const reason =
      endpoint.failure === null
        ? 'is being loaded'
        : `cannot serve (${endpoint.failure.title}); see /health and the log`;
    throw new AppError('NOT_READY', `Endpoint ${endpoint.spec.name} ${reason}`, {
      retryAfterSeconds: endpoint.failure === null ? 1 : 30,
    });
  }

  #ofModel(model: string): Endpoint | null {
    for (const endpoint of this.#endpoints.values()) if (modelOf(endpoint) === model) return endpoint;
    return null;
  }

  #onDemandTarget(endpoint: Endpoint | null, version: ModelVersion): Target {
    const held = endpoint?.target ?? null;
    if (held?.served.version.number === version.number && held.served.version.model === version.model)
      return held;
    const served = this.#deps.pool.onDemand(version);
    const spec = endpoint?.spec ?? {
      name: version.model,
      reference: versionLabel(version),
      required: false,
      redact: null,
      redactedFields: [],
    };
    const targets = this.#onDemand.get(served) ?? new Map<string, Target>();
    const target = targets.get(spec.name) ?? this.#createTarget(spec, served);
    this.#onDemand.set(served, targets.set(spec.name, target));
    return target;
  }

  #createTarget(spec: EndpointSpec, served: ServedVersion): Target {
    const { meter, statusOf } = this.#deps;
    return createTarget({
      endpoint: spec.name,
      revision: CONFIGURED_REVISION,
      served,
      meter,
      redact: spec.redact,
      statusOf,
    });
  }
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

function modelOf(endpoint: Endpoint): string {
  return endpoint.target?.served.version.model ?? parseModelReference(endpoint.spec.reference).model;
}
