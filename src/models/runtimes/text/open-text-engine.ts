import type { TextEngine, TextSettings } from './text-engine.ts';
import type { TextModelFiles } from './text-model-files.ts';

/** The engine of a model's files; what it needs is loaded with its first model. */
export async function openTextEngine(files: TextModelFiles, settings: TextSettings): Promise<TextEngine> {
  if (files.engine === 'marian') {
    const { MarianEngine } = await import('./marian/marian-engine.ts');
    return MarianEngine.open(files, settings);
  }
  const { EncoderDecoderEngine } = await import('./encoder-decoder/encoder-decoder-engine.ts');
  return EncoderDecoderEngine.open(files, settings);
}
