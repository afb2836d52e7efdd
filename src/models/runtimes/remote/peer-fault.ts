import { AppError } from '../../../kernel/errors.ts';

/** What can go wrong with a call to another server. */
export type PeerFaultKind =
  /** Nothing of an answer came: refused, reset or no way there. */
  | 'unreachable'
  /** It says that it has no time now: 429 or 503. */
  | 'busy'
  /** No whole answer within the deadline. */
  | 'late'
  /** The model there failed on what it was sent: 400, 413, 422 or 500. */
  | 'rows'
  /** Another status than those. */
  | 'refused'
  /** An answer that broke off, is too large or is not what the protocol says. */
  | 'garbled';

interface PeerFaultOptions {
  readonly cause?: unknown;
  readonly retryAfterMs?: number;
  /** What the server said in its own words. */
  readonly said?: string;
}

/** A call to another server that failed. The message is for the log alone: it ends with what the server said. */
export class PeerFault extends Error {
  readonly kind: PeerFaultKind;
  /** What went wrong, in words that are ours. */
  readonly reason: string;
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number;

  constructor(
    kind: PeerFaultKind,
    reason: string,
    { cause, retryAfterMs = 0, said = '' }: PeerFaultOptions = {},
  ) {
    super(said === '' ? reason : `${reason}: ${said}`, cause === undefined ? undefined : { cause });
    this.name = 'PeerFault';
    this.kind = kind;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether asking again does no harm: the server did nothing, or nothing that it told of. */
  get mayRetry(): boolean {
    return this.kind === 'unreachable' || this.kind === 'busy';
  }

  /** Whether it says something of the rows that were sent and nothing of the server, which answers. */
  get isAboutRows(): boolean {
    return this.kind === 'rows';
  }
}

/** The fault of a status that is no success. */
export function faultOfStatus(status: number, said: string, retryAfterMs: number): PeerFault {
  const reason = `answered ${status}`;
  if (status >= 300 && status < 400)
    return new PeerFault('refused', `${reason}, and redirects are not followed`, { said });
  if (status === 429 || status === 503) return new PeerFault('busy', reason, { retryAfterMs, said });
  const isAboutRows = status === 400 || status === 413 || status === 422 || status === 500;
  return new PeerFault(isAboutRows ? 'rows' : 'refused', reason, { said });
}

/**
 * As callers are told it. Rows that failed together may be asked for again in halves, so that a bad one fails alone: that is
 * INFERENCE_FAILED, and REMOTE_FAILED where they may not.
 */
export function toAppError(fault: PeerFault, place: string, mayHalve: boolean): AppError {
  if (fault.kind === 'late')
    return new AppError('DEADLINE_EXCEEDED', 'The server that runs the model did not answer in time', {
      cause: fault,
    });
  const code = fault.isAboutRows && mayHalve ? 'INFERENCE_FAILED' : 'REMOTE_FAILED';
  return new AppError(code, `${place}: ${fault.reason}`, { cause: fault });
}
