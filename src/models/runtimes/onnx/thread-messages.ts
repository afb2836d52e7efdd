import type { PackedTensors } from './packed-tensors.ts';
import type { GraphSource, SessionPort } from './session.ts';

/** What the threads of `ThreadSessions` and `serveSessions` say to each other. `call` pairs a question and its answer. */
export type ToSessionThread =
  | { readonly type: 'open'; readonly call: number; readonly session: number; readonly source: GraphSource }
  | {
      readonly type: 'run';
      readonly call: number;
      readonly session: number;
      readonly feeds: PackedTensors;
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
  | { readonly type: 'ran'; readonly call: number; readonly outputs: PackedTensors }
  | { readonly type: 'failed'; readonly call: number; readonly message: string };
