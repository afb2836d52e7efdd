import type { OutputTensor } from '../tensors/decode-outputs.ts';
import type { InputTensor } from '../tensors/tensor-model.ts';
import type { GraphSource, SessionPort } from './session.ts';

/** What the threads of `ThreadSessions` and `serveSessions` say to each other. `call` pairs a question and its answer. */
export type ToSessionThread =
  | { readonly type: 'open'; readonly call: number; readonly session: number; readonly source: GraphSource }
  | {
      readonly type: 'run';
      readonly call: number;
      readonly session: number;
      readonly feeds: Readonly<Record<string, InputTensor>>;
      readonly fetches: readonly string[];
    }
  | { readonly type: 'release'; readonly session: number };

export type FromSessionThread =
  | {
      readonly type: 'opened';
      readonly call: number;
      readonly inputs: readonly SessionPort[];
      readonly outputs: readonly SessionPort[];
    }
  | { readonly type: 'ran'; readonly call: number; readonly outputs: Readonly<Record<string, OutputTensor>> }
  | { readonly type: 'failed'; readonly call: number; readonly message: string };

/** The buffers behind tensors, to be handed over instead of copied. Each is listed once. */
export function buffersOf(tensors: Readonly<Record<string, { readonly data: unknown }>>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(tensors))
    if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  return [...buffers];
}
