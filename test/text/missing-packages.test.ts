import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelArtifact } from '../../src/models/runtimes/runtime.ts';
import { TextRuntime } from '../../src/models/runtimes/text/text-runtime.ts';
import { buildTextThreads, type TextThreads, textArtifact } from './text-threads.ts';

/** The thread as in an installation with none of the optional packages. */
let threads: TextThreads;
const folder = mkdtempSync(path.join(tmpdir(), 'text-bare-'));
beforeAll(async () => {
  threads = await buildTextThreads(folder);
});
afterAll(async () => {
  await threads.stop();
  rmSync(folder, { recursive: true });
});

async function load(artifact: ModelArtifact): Promise<unknown> {
  const settings = { threads: 1, beams: null, maxOutputTokens: 256, deadlineMs: 60_000 };
  return new TextRuntime({ startThread: threads.start, scratch: folder, ...settings }).load(artifact);
}

it('says which package encoder–decoders need', async () => {
  const fixture = path.join(import.meta.dirname, 'fixtures/marian');
  await expect(load(await textArtifact(fixture, 'config.json'))).rejects.toMatchObject({
    code: 'RUNTIME_MISSING',
    message: 'Models of this kind need a package that is not installed: npm install @huggingface/tokenizers',
  });
});

it('says which package Marian models need', async () => {
  // One piece named "a", as sentencepiece_model.proto has it.
  const vocabulary = Uint8Array.from([0x0a, 0x03, 0x0a, 0x01, 0x61]);
  const files = new Map([
    ['model.bin', new Uint8Array(8)],
    ['vocab.spm', vocabulary],
  ]);
  const fixture = path.join(import.meta.dirname, 'fixtures/marian');
  const artifact = await textArtifact(fixture, 'config.json');
  await expect(load({ ...artifact, entry: 'model.bin', files })).rejects.toMatchObject({
    code: 'RUNTIME_MISSING',
    message:
      'Models of this kind need a package that is not installed: npm install @browsermt/bergamot-translator',
  });
});
