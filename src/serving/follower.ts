import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../kernel/clock.ts';
import { asAppError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Endpoint } from './endpoint.ts';

interface FollowerDependencies {
  /** Called when it starts. */
  readonly endpoints: () => readonly Endpoint[];
  readonly pollMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 to 1, so that replicas do not ask all at once. */
  readonly random: () => number;
}

/** Why the registry could not be asked, and since when (Unix milliseconds). */
interface Outage {
  readonly since: number;
  readonly reason: string;
}

const JITTER = 0.2;
const SLOWEST_POLL_MS = 60_000;
const STOP_MS = 1_000;

/**
 * Keeps endpoints at what their references point at: asks the registry at intervals, and at once when it is told of a
 * change. Each endpoint has its own turn, so that a long download holds up no other.
 */
export class Follower {
  readonly #deps: FollowerDependencies;
  readonly #stop = new AbortController();
  readonly #nudges = new Map<Endpoint, AbortController>();
  readonly #outages = new Map<Endpoint, Outage>();
  #endpoints: readonly Endpoint[] = [];
  #loops: readonly Promise<void>[] = [];

  constructor(deps: FollowerDependencies) {
    this.#deps = deps;
  }

  start(): void {
    this.#endpoints = this.#deps.endpoints();
    this.#loops = this.#endpoints.map((endpoint) => this.#run(endpoint));
  }

  /** Resolves when what is under way has ended, or is not worth waiting for: a download ends with its connection. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const nudge of this.#nudges.values()) nudge.abort();
    await Promise.race([Promise.all(this.#loops), sleep(STOP_MS, undefined, { ref: false })]);
  }

  /** Something happened to a registered model: its endpoints look at once. Answers with how many there are. */
  nudge(model: string): number {
    const concerned = this.#endpoints.filter((endpoint) => endpoint.named.model === model);
    for (const endpoint of concerned) this.#nudges.get(endpoint)?.abort();
    return concerned.length;
  }

  /** Whether each endpoint's registry could be asked the last time. */
  reachable(): readonly { readonly endpoint: string; readonly isReachable: boolean }[] {
    return this.#endpoints.map((endpoint) => ({
      endpoint: endpoint.spec.name,
      isReachable: !this.#outages.has(endpoint),
    }));
  }

  /** Sentences for health: of which endpoints nobody knows what they should serve. */
  problems(): readonly string[] {
    return [...this.#outages].map(
      ([endpoint, { since, reason }]) =>
        `endpoint ${endpoint.spec.name} cannot ask its registry since ${new Date(since).toISOString()}: ${reason}`,
    );
  }

  async #run(endpoint: Endpoint): Promise<void> {
    const { pollMs, random } = this.#deps;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const base = Math.min(Math.max(pollMs, SLOWEST_POLL_MS), pollMs * 2 ** failures);
      const isNudged = await this.#rest(endpoint, base * (1 - JITTER + 2 * JITTER * random()));
      if (this.#stop.signal.aborted) return;
      failures = (await this.#look(endpoint)) ? 0 : Math.min(isNudged ? failures : failures + 1, 10);
    }
  }

  /** True when somebody ended the rest. A nudge that comes while the endpoint is looked at counts for the next rest. */
  async #rest(endpoint: Endpoint, ms: number): Promise<boolean> {
    const nudge = this.#nudges.get(endpoint) ?? new AbortController();
    this.#nudges.set(endpoint, nudge);
    try {
      await sleep(ms, undefined, { signal: nudge.signal, ref: false });
      return false;
    } catch {
      return true;
    } finally {
      this.#nudges.set(endpoint, new AbortController());
    }
  }

  /** False when the registry could not be asked. */
  async #look(endpoint: Endpoint): Promise<boolean> {
    const { clock, logger } = this.#deps;
    const { name } = endpoint.spec;
    try {
      await endpoint.follow();
      if (this.#outages.delete(endpoint))
        logger.info(`Endpoint ${name} can ask its registry again`, { 'event.action': 'registry.recovered' });
      return true;
    } catch (thrown) {
      if (this.#stop.signal.aborted) return false;
      const { message } = asAppError(thrown);
      if (!this.#outages.has(endpoint))
        logger.warn(`Endpoint ${name} cannot ask its registry and goes on as it is: ${message}`, {
          'event.action': 'registry.unreachable',
        });
      const since = this.#outages.get(endpoint)?.since ?? clock.now();
      this.#outages.set(endpoint, { since, reason: message });
      return false;
    }
  }
}
