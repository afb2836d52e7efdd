import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import type { DeclaredModel, ModelArtifact } from '../../src/models/runtimes/runtime.ts';

const root = path.resolve(import.meta.dirname, '../..');
const NOTHING: DeclaredModel = {
  inputs: null,
  outputs: null,
  params: [],
  task: null,
  labels: null,
  positiveLabel: null,
};

export interface TextThreads {
  start(): Worker;
  /** Those that were started, the last one last. */
  readonly started: readonly Worker[];
  /** Ends them and removes what was built. */
  stop(): Promise<void>;
}

/**
 * The thread of the sources as they are now, which Node 20 takes in JavaScript only. In a `cache` outside of the repository
 * it finds no package that is not bundled.
 */
export async function buildTextThreads(
  cache: string = path.join(root, 'node_modules/.cache'),
): Promise<TextThreads> {
  await mkdir(cache, { recursive: true });
  const bundle = await mkdtemp(path.join(cache, 'text-thread-'));
  await build({
    absWorkingDir: root,
    entryPoints: ['src/composition/text-thread.ts'],
    outdir: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['onnxruntime-node', '@huggingface/tokenizers'],
    logLevel: 'silent',
    // Bundled CommonJS asks for Node's own modules.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
  });
  const started: Worker[] = [];
  return {
    started,
    start() {
      const thread = new Worker(path.join(bundle, 'text-thread.js'));
      started.push(thread);
      return thread;
    },
    async stop() {
      await Promise.all(started.map((thread) => thread.terminate()));
      await rm(bundle, { recursive: true, force: true });
    },
  };
}

/** The files of a directory as an artifact; those whose names `leave` matches are left out. */
export async function textArtifact(
  directory: string,
  entry: string,
  leave: RegExp = /^$/,
): Promise<ModelArtifact> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = new Map<string, Uint8Array>();
  for (const file of entries) {
    if (!file.isFile()) continue;
    const full = path.join(file.parentPath, file.name);
    const name = path.relative(directory, full).split(path.sep).join('/');
    if (!leave.test(name)) files.set(name, await readFile(full));
  }
  const origin = { registry: 'embedded', digest: null } as const;
  return { format: 'text', flavor: 'text', entry, files, declared: NOTHING, origin };
}
