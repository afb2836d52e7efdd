import type { LogFields } from '../kernel/logger.ts';

/** What the storage thread is started with. */
export interface StorageThreadData {
  readonly storeUrl: string;
  readonly directory: string;
  readonly retention: { readonly maxAgeDays: number; readonly maxBytes: number };
}

export type ToStorageThread =
  /** Whether the thread that answers has more to do than it can. */
  | { readonly type: 'pressure'; readonly isPressed: boolean }
  | { readonly type: 'drain'; readonly deadlineMs: number };

export type FromStorageThread =
  | { readonly type: 'lines'; readonly count: number }
  | { readonly type: 'torn'; readonly count: number }
  | { readonly type: 'lag'; readonly bytes: number }
  | { readonly type: 'expired'; readonly count: number }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error' | 'debug';
      readonly message: string;
      readonly error: string | undefined;
      readonly fields: LogFields;
    }
  | { readonly type: 'drained'; readonly lagBytes: number };
