import type { MessagePort } from 'node:worker_threads';
import { asAppError, messageOf } from '../../../kernel/errors.ts';
import { BrokenEngineError, type TextEngine, type TextSettings } from './text-engine.ts';
import type { TextModelFiles } from './text-model-files.ts';
import type { FromTextThread, ToTextThread } from './thread-messages.ts';
import { TranslationQueue } from './translation-queue.ts';

/** Throws an AppError that says what of the files cannot be loaded. */
export type OpenTextEngine = (files: TextModelFiles, settings: TextSettings) => Promise<TextEngine>;

/** The side that runs: one model on the calling thread. `onBroken` is called when the engine can do nothing more. */
export function serveTextModel(port: MessagePort, open: OpenTextEngine, onBroken: () => void): void {
  let queue: TranslationQueue | null = null;
  const calls = new Map<number, AbortController>();
  const say = (message: FromTextThread): void => port.postMessage(message);

  async function load(files: TextModelFiles, settings: TextSettings): Promise<void> {
    try {
      queue = new TranslationQueue(await open(files, settings));
      say({ type: 'loaded' });
    } catch (error) {
      const { code, message } = asAppError(error, 'MODEL_UNREADABLE');
      say({ type: 'refused', code, message });
    }
  }

  async function translate(call: number, text: string, wantsPieces: boolean): Promise<void> {
    const cancel = new AbortController();
    calls.set(call, cancel);
    try {
      if (queue === null) throw new Error('no model is loaded');
      const onPiece = wantsPieces ? (piece: string): void => say({ type: 'piece', call, piece }) : null;
      const answer = await queue.translate(text, onPiece, cancel.signal);
      say({ type: 'translated', call, answer });
    } catch (error) {
      if (error instanceof BrokenEngineError) onBroken();
      else say({ type: 'failed', call, message: messageOf(error) });
    } finally {
      calls.delete(call);
    }
  }

  port.on('message', (message: ToTextThread) => {
    if (message.type === 'load') void load(message.files, message.settings);
    else if (message.type === 'translate') void translate(message.call, message.text, message.wantsPieces);
    else calls.get(message.call)?.abort();
  });
}
