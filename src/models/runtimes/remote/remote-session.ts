import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../kernel/clock.ts';
import { AppError } from '../../../kernel/errors.ts';
import { backOffMs } from '../back-off.ts';
import type { OutputTensor } from '../tensors/decode-outputs.ts';
import type { InputTensor, TensorSession } from '../tensors/tensor-model.ts';
import type { CircuitBreaker, Permit } from './circuit-breaker.ts';
import { type InferBody, writeInfer } from './infer-request.ts';
import { readInfer } from './infer-response.ts';
import type { PeerClient } from './peer-client.ts';
import type { PeerModel, PeerPort } from './peer-description.ts';
import { PeerFault, toAppError } from './peer-fault.ts';
import type { PeerWatch } from './peer-watch.ts';

/** Requests that may be under way at a time: servers batch what arrives together. */
export const LANES = 8;

/** Refusals in a row past which it is not some rows that the model there cannot take: nobody asks for halves then. */
const MOST_REFUSALS = 256;
const BACK_OFF = { firstMs: 50, longestMs: 1_000 };

export interface RemoteSessionParts {
  /** The model's place, for messages. */
  readonly place: string;
  readonly peer: PeerModel;
  readonly client: PeerClient;
  readonly breaker: CircuitBreaker;
  readonly watch: PeerWatch;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly retries: number;
}

type Outputs = Readonly<Record<string, OutputTensor>>;

/** What one run asks for. */
interface Question {
  readonly body: InferBody;
  readonly wanted: readonly PeerPort[];
  readonly rows: number;
  /** Ends with the deadline of the run. */
  readonly signal: AbortSignal;
}

/**
 * Runs tensors on another server. A run ends within its deadline whatever the server does; it is tried again only where
 * the server did nothing with it, and not at all while the breaker is open.
 */
export class RemoteSession implements TensorSession {
  readonly lanes = LANES;
  readonly #parts: RemoteSessionParts;
  /** Answers in a row that were about the rows. */
  #refusals = 0;

  constructor(parts: RemoteSessionParts) {
    this.#parts = parts;
  }

  async run(feeds: Readonly<Record<string, InputTensor>>, fetches: readonly string[]): Promise<Outputs> {
    const { peer, timeoutMs } = this.#parts;
    const [first] = Object.values(feeds);
    return this.#ask({
      body: writeInfer(peer, feeds, fetches),
      wanted: peer.outputs.filter(({ name }) => fetches.includes(name)),
      rows: first?.dims[0] ?? 0,
      signal: AbortSignal.timeout(timeoutMs),
    });
  }

  async release(): Promise<void> {
    this.#parts.watch.close();
    await this.#parts.client.close();
  }

  async #ask(question: Question): Promise<Outputs> {
    const { breaker, clock, retries, timeoutMs } = this.#parts;
    const until = clock.elapsed() + timeoutMs;
    let fault: PeerFault | null = null;
    for (let failed = 0; ; failed++) {
      if (fault !== null) {
        const waitMs = Math.max(backOffMs(BACK_OFF, failed, Math.random()), fault.retryAfterMs);
        const isWorth = fault.mayRetry && failed <= retries && clock.elapsed() + waitMs < until;
        if (!isWorth) throw this.#failureOf(fault, question);
        await sleep(waitMs);
      }
      const permit = breaker.admit();
      if (permit === null) throw fault === null ? this.#closedOff() : this.#failureOf(fault, question);
      const answer = await this.#try(question, permit);
      if (!(answer instanceof PeerFault)) return answer;
      fault = answer;
    }
  }

  /** A server that says what is wrong with some rows is one that answers. */
  async #try({ body, wanted, rows, signal }: Question, permit: Permit): Promise<Outputs | PeerFault> {
    const { client, watch } = this.#parts;
    try {
      const outputs = readInfer(await client.infer(body, signal), wanted, rows);
      permit.settle(true);
      this.#refusals = 0;
      watch.answered();
      return outputs;
    } catch (error) {
      if (!(error instanceof PeerFault)) {
        permit.settle(false);
        throw error;
      }
      permit.settle(error.isAboutRows);
      this.#refusals = error.isAboutRows ? this.#refusals + 1 : 0;
      watch.failed(error);
      return error;
    }
  }

  #failureOf(fault: PeerFault, { rows }: Question): AppError {
    return toAppError(fault, this.#parts.place, rows > 1 && this.#refusals < MOST_REFUSALS);
  }

  #closedOff(): AppError {
    const retryAfterSeconds = Math.max(1, Math.ceil(this.#parts.breaker.waitMs / 1000));
    return new AppError('NOT_READY', 'The server that runs the model does not answer: try again later', {
      retryAfterSeconds,
    });
  }
}
