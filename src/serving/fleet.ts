import { AppError } from '../kernel/errors.ts';
import { type ModelReference, type NamedModel, selectMajor } from '../models/model-reference.ts';
import { isSameVersion, type ModelVersion } from '../models/model-version.ts';
import { Endpoint, type EndpointDependencies, type EndpointSpec, type EndpointStatus } from './endpoint.ts';
import type { ServedVersion } from './served-version.ts';
import { createTarget, type Target } from './target.ts';
import type { VersionState } from './version-pool.ts';

interface FleetDependencies extends EndpointDependencies {
  readonly endpoints: readonly EndpointSpec[];
  readonly defaultEndpoint: string | null;
}

/** Revision of a version that no endpoint switched to. */
const NO_REVISION = 0;

/** The endpoints of this process and the versions behind them. */
export class Fleet {
  readonly #deps: FleetDependencies;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #onDemand = new WeakMap<ServedVersion, Map<string, Target>>();
  /** Versions that stand for their model because somebody loaded it by name. */
  readonly #loadedByName = new Map<string, ModelVersion>();

  constructor(deps: FleetDependencies) {
    this.#deps = deps;
    this.#endpoints = new Map(deps.endpoints.map((spec) => [spec.name, new Endpoint(spec, deps)]));
  }

  /** Loads every endpoint's version, one after the other. A refusal is kept as the endpoint's state, not thrown. */
  async start(): Promise<void> {
    for (const endpoint of this.#endpoints.values()) await endpoint.start();
  }

  get defaultEndpoint(): string | null {
    return this.#deps.defaultEndpoint;
  }

  endpoints(): readonly EndpointStatus[] {
    return [...this.#endpoints.values()].map((endpoint) => endpoint.status());
  }

  /** The endpoints whose versions may change while they run; asked once they have started. */
  following(): readonly Endpoint[] {
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.follows);
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
    return targetOf(this.#endpoints.get(name) as Endpoint);
  }

  /** By endpoint name, or by the name of a registered model that an endpoint serves or that was loaded. */
  named(name: string): Target {
    const endpoint = this.#endpointOf(name);
    if (endpoint === null) {
      const loaded = this.#loadedByName.get(name);
      if (loaded !== undefined) return this.#onDemandTarget(null, loaded);
      const known = [...this.#endpoints.keys()].slice(0, 10).join(', ');
      throw new AppError(
        'MODEL_NOT_FOUND',
        `There is no endpoint or served model of that name; there is ${known}`,
      );
    }
    return targetOf(endpoint);
  }

  /** The names that `named` knows from the start: of endpoints, and of the models that they serve. */
  names(): ReadonlySet<string> {
    const endpoints = [...this.#endpoints.values()];
    return new Set([...this.#endpoints.keys(), ...endpoints.map(({ named }) => named.model)]);
  }

  /** Which registered model is meant by the name of an endpoint, or of a model. */
  modelOf(name: string): NamedModel {
    return this.#endpointOf(name)?.named ?? { model: name, scheme: 'name' };
  }

  /** A version by number, semantic version or alias: at once when in memory, else NOT_READY while it loads. */
  async version(name: string, reference: (named: NamedModel) => ModelReference): Promise<Target> {
    return this.#onDemandTarget(this.#endpointOf(name), await this.resolve(name, reference));
  }

  /** A version by number, semantic version or alias, whether it is in memory or not. */
  resolve(name: string, reference: (named: NamedModel) => ModelReference): Promise<ModelVersion> {
    return this.#deps.registry.resolve(reference(this.modelOf(name)));
  }

  /** What the endpoint of that name serves, or that of the registered model; null where there is none or not yet. */
  held(name: string): Target | null {
    return this.#endpointOf(name)?.target ?? null;
  }

  stateOf(version: ModelVersion): VersionState {
    return this.#deps.pool.stateOf(version);
  }

  /**
   * Resolves when the name answers: an endpoint that could not serve is tried again; of a registered model the newest
   * version is loaded, beside those that callers ask for. Fails with the reason of a refusal.
   */
  async load(name: string): Promise<void> {
    const endpoint = this.#endpointOf(name);
    if (endpoint === null) {
      const version = await this.resolve(name, (named) => ({ ...named, by: 'latest' }));
      await this.#deps.pool.load(version);
      this.#loadedByName.set(name, version);
      return;
    }
    if (endpoint.target === null && endpoint.failure !== null) await endpoint.start();
    if (endpoint.failure !== null) throw endpoint.failure;
    targetOf(endpoint);
  }

  /** Forgets what `load` loaded, and other versions of that model. MODEL_IN_USE for what an endpoint serves. */
  async unload(name: string): Promise<void> {
    const endpoint = this.#endpointOf(name);
    if (endpoint !== null) {
      throw new AppError(
        'MODEL_IN_USE',
        `Endpoint ${endpoint.spec.name} serves it, and endpoints stand as the configuration has them`,
      );
    }
    const { model, scheme } = this.modelOf(name);
    await this.#deps.registry.getModel(model, scheme);
    this.#loadedByName.delete(name);
    await this.#deps.pool.unload(model);
  }

  /** The newest version of a major of the default endpoint's model. */
  async major(major: number): Promise<Target> {
    const endpoint = this.#endpoints.get(this.#deps.defaultEndpoint ?? '');
    if (endpoint === undefined) return this.default();
    const model = await this.#deps.registry.getModel(endpoint.named.model, endpoint.named.scheme);
    const version = selectMajor(model, major);
    if (version === null) throw new AppError('VERSION_NOT_FOUND', `${model.name} has no version ${major}`);
    return this.#onDemandTarget(endpoint, version);
  }

  #endpointOf(name: string): Endpoint | null {
    const endpoint = this.#endpoints.get(name);
    if (endpoint !== undefined) return endpoint;
    for (const each of this.#endpoints.values()) if (each.named.model === name) return each;
    return null;
  }

  #onDemandTarget(endpoint: Endpoint | null, version: ModelVersion): Target {
    const held = endpoint?.target ?? null;
    if (held !== null && isSameVersion(held.served.version, version)) return held;
    const served = this.#deps.pool.onDemand(version);
    const { meter, statusOf } = this.#deps;
    const name = endpoint?.spec.name ?? version.model;
    const targets = this.#onDemand.get(served) ?? new Map<string, Target>();
    const redact = endpoint?.spec.redact ?? null;
    const target =
      targets.get(name) ??
      createTarget({ endpoint: name, revision: NO_REVISION, served, meter, redact, statusOf });
    this.#onDemand.set(served, targets.set(name, target));
    return target;
  }
}

function targetOf({ spec, target, failure }: Endpoint): Target {
  if (target !== null) return target;
  const reason =
    failure === null ? 'is being loaded' : `cannot serve (${failure.title}); see /health and the log`;
  throw new AppError('NOT_READY', `Endpoint ${spec.name} ${reason}`, {
    retryAfterSeconds: failure === null ? 1 : 30,
  });
}
