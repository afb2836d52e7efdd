import type { Clock } from '../../../kernel/clock.ts';

export interface BreakerOptions {
  /** Failures one after the other that open it. */
  readonly failures: number;
  /** How long it stays open before one call may try again. */
  readonly openMs: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/** A call that was let through; it is settled once. */
export interface Permit {
  settle(isSuccess: boolean): void;
}

/**
 * Keeps calls from a server that does not answer. Closed, it lets everything through; so many failures in a row open it,
 * and nothing is let through; after a while it is half open: one call at a time may try, whose success closes it and whose
 * failure opens it anew. Calls that began before it last opened decide nothing.
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  readonly #clock: Clock;
  #failed = 0;
  /** `clock.elapsed()` when it opened; null while it is closed. */
  #openedAt: number | null = null;
  #isProbing = false;
  /** Counts openings and closings. */
  #era = 0;

  constructor(options: BreakerOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  get state(): BreakerState {
    if (this.#openedAt === null) return 'closed';
    return this.#clock.elapsed() - this.#openedAt < this.#options.openMs ? 'open' : 'half-open';
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failed;
  }

  /** Milliseconds until a call may try again; 0 while calls are let through. */
  get waitMs(): number {
    if (this.#openedAt === null) return 0;
    return Math.max(0, this.#openedAt + this.#options.openMs - this.#clock.elapsed());
  }

  /** Null where the call must not be made. */
  admit(): Permit | null {
    const { state } = this;
    if (state === 'open' || (state === 'half-open' && this.#isProbing)) return null;
    this.#isProbing = state === 'half-open';
    const era = this.#era;
    let isSettled = false;
    return {
      settle: (isSuccess) => {
        if (isSettled || era !== this.#era) return;
        isSettled = true;
        if (isSuccess) this.#close();
        else this.#fail();
      },
    };
  }

  #close(): void {
    if (this.#openedAt !== null) this.#era++;
    this.#failed = 0;
    this.#openedAt = null;
    this.#isProbing = false;
  }

  #fail(): void {
    this.#failed++;
    if (this.#openedAt === null && this.#failed < this.#options.failures) return;
    this.#openedAt = this.#clock.elapsed();
    this.#isProbing = false;
    this.#era++;
  }
}
