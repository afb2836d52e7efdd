import type { Clock } from '../../../kernel/clock.ts';
import { messageOf } from '../../../kernel/errors.ts';
import type { Logger } from '../../../kernel/logger.ts';
import type { RuntimeHealth } from '../runtime.ts';
import type { BreakerState, CircuitBreaker } from './circuit-breaker.ts';
import { PeerFault } from './peer-fault.ts';

const SAID_EVERY_MS = 1_000;

export interface PeerWatchParts {
  /** The model's place with the server's name and version. */
  readonly subject: string;
  readonly breaker: Pick<CircuitBreaker, 'state' | 'failures'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Fails with a `PeerFault` where the model there cannot be asked. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  readonly timeoutMs: number;
  /** How often the server is asked while all is well, and while it is not. */
  readonly everyMs: number;
  readonly againMs: number;
}

/**
 * Knows how a model on another server is: asks it now and then whether it is ready, at once after a failure, and tells the
 * log when it goes and when it comes back.
 */
export class PeerWatch {
  readonly #parts: PeerWatchParts;
  #isReady = true;
  #reason: string | null = null;
  #logged: BreakerState = 'closed';
  #saidAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #isAsking = false;
  #isClosed = false;

  constructor(parts: PeerWatchParts) {
    this.#parts = parts;
    this.#schedule(parts.everyMs);
  }

  health(): RuntimeHealth {
    const { subject, breaker } = this.#parts;
    const { state } = breaker;
    if (!this.#isReady)
      return { status: 'down', reason: `${subject} is not ready: ${this.#reason}${breakerText(state)}` };
    if (state === 'closed') return { status: 'ok', reason: null };
    return {
      status: 'degraded',
      reason: `${subject} failed ${breaker.failures} times: ${this.#reason}${breakerText(state)}`,
    };
  }

  /** A run was answered. */
  answered(): void {
    this.#isReady = true;
    this.#log();
  }

  /** A run failed. */
  failed(fault: PeerFault): void {
    this.#reason = fault.reason;
    this.#say(fault);
    this.#log();
    if (fault.isAboutRows || !this.#isReady) return;
    this.#schedule(0);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed || this.#isAsking) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), delayMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#isAsking = true;
    try {
      await this.#parts.ready(AbortSignal.timeout(this.#parts.timeoutMs));
      this.#isReady = true;
    } catch (error) {
      this.#isReady = false;
      this.#reason = error instanceof PeerFault ? error.reason : messageOf(error);
    }
    this.#isAsking = false;
    const isWell = this.#isReady && this.#parts.breaker.state === 'closed';
    this.#schedule(isWell ? this.#parts.everyMs : this.#parts.againMs);
  }

  /** Rows of a batch that fail are answered one by one, without a line each. */
  #say(fault: PeerFault): void {
    const { subject, clock, logger } = this.#parts;
    if (clock.elapsed() - this.#saidAt < SAID_EVERY_MS) return;
    this.#saidAt = clock.elapsed();
    logger.warn(`${subject}: ${fault.message}`, { 'event.action': 'remote.failed', error: fault });
  }

  #log(): void {
    const { subject, breaker, logger } = this.#parts;
    const { state } = breaker;
    if (state === this.#logged || state === 'half-open') return;
    this.#logged = state;
    if (state === 'open')
      logger.warn(`${subject} is left alone after ${breaker.failures} failures: ${this.#reason}`, {
        'event.action': 'remote.breaker_opened',
      });
    else logger.info(`${subject} answers again`, { 'event.action': 'remote.breaker_closed' });
  }
}

function breakerText(state: BreakerState): string {
  return state === 'closed' ? '' : ` (circuit breaker ${state})`;
}
