import type { ErrorCode } from '../../../kernel/errors.ts';
import type { TextSettings } from './text-engine.ts';
import type { TextModelFiles } from './text-model-files.ts';
import type { TextAnswer } from './translation-queue.ts';

/** What `TextThreadModel` and `serveTextModel` say to each other. `call` pairs a text with what comes of it. */
export type ToTextThread =
  | { readonly type: 'load'; readonly files: TextModelFiles; readonly settings: TextSettings }
  | {
      readonly type: 'translate';
      readonly call: number;
      readonly text: string;
      readonly wantsPieces: boolean;
    }
  | { readonly type: 'cancel'; readonly call: number };

export type FromTextThread =
  | { readonly type: 'loaded' }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'piece'; readonly call: number; readonly piece: string }
  | { readonly type: 'translated'; readonly call: number; readonly answer: TextAnswer }
  | { readonly type: 'failed'; readonly call: number; readonly message: string };
