import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Caller, InferenceService } from '../dialects/oip/protocol.ts';
import { decodeInferRequest, idIn } from './codec/infer-request.ts';
import { encodeStreamAnswer, encodeStreamFailure } from './codec/infer-response.ts';

/** Requests of one stream that are under way at once; past it the client is held back. */
const MOST_PENDING = 64;

export interface InferStreamParts {
  readonly service: InferenceService;
  readonly caller: () => Caller;
  /** The text of a failure, which is logged where it is ours. */
  readonly failure: (thrown: unknown) => string;
  /** Fails for a message that came too late. */
  readonly check: () => void;
}

/**
 * ModelStreamInfer: requests are run together and answered in the order in which they came. One that fails is
 * answered with its failure, and the stream goes on. Answers with a function that takes no more of it and ends it once
 * all that has come is answered.
 */
export function serveInferStream(
  call: ServerDuplexStream<Buffer, Buffer>,
  { service, caller, failure, check }: InferStreamParts,
): (end: () => void) => void {
  let pending = 0;
  let closing = false;
  let tail: Promise<void> = Promise.resolve();

  call.on('data', (bytes: Buffer) => {
    if (closing) return;
    const answered = answer(bytes);
    if (++pending >= MOST_PENDING) call.pause();
    tail = tail.then(async () => {
      const message = await answered;
      if (!call.cancelled && !call.write(message)) await written();
      if (pending-- >= MOST_PENDING && !closing) call.resume();
    });
  });
  call.on('end', () => whenAnswered(() => call.end()));

  /** Until the client takes more, or goes away. */
  function written(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        call.off('drain', done);
        call.off('cancelled', done);
        resolve();
      };
      call.once('drain', done);
      call.once('cancelled', done);
    });
  }

  async function answer(bytes: Buffer): Promise<Buffer> {
    try {
      const { request, isRaw } = decodeInferRequest(bytes);
      check();
      return encodeStreamAnswer(await service.infer(request, caller()), isRaw);
    } catch (thrown) {
      return encodeStreamFailure(failure(thrown), idIn(bytes));
    }
  }

  function whenAnswered(end: () => void): void {
    const last = tail;
    void last.then(() => (last === tail ? end() : whenAnswered(end)));
  }
  return (end) => {
    closing = true;
    call.pause();
    whenAnswered(end);
  };
}
