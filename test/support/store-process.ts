import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

export interface StoreProcess {
  /** Resolves when the output holds the word; throws when the process ended without it. */
  said(word: string): Promise<void>;
  go(): void;
  /** Throws with what it wrote to stderr when it did not end with 0. */
  ended(): Promise<void>;
}

export interface StoreProcesses {
  start(...args: readonly string[]): StoreProcess;
  remove(): Promise<void>;
}

/** Node 20 runs no TypeScript, so the child is bundled once, inside the repository where its packages are found. */
export async function buildStoreProcesses(): Promise<StoreProcesses> {
  const cache = resolve(import.meta.dirname, '../../node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'store-child-'));
  const outfile = join(directory, 'child.mjs');
  await build({
    entryPoints: [resolve(import.meta.dirname, 'store-child.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
    outfile,
  });
  return {
    start: (...args) => observe(spawn(process.execPath, [outfile, ...args])),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

function observe(child: ChildProcessWithoutNullStreams): StoreProcess {
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const closed = once(child, 'close');
  return {
    async said(word) {
      while (!output.includes(word)) {
        if (child.exitCode !== null) throw new Error(`the child never said ${word}: ${errors}`);
        await Promise.race([once(child.stdout, 'data'), closed]);
      }
    },
    go: () => child.stdin.write('go\n'),
    async ended() {
      await closed;
      if (child.exitCode !== 0) throw new Error(`the child failed: ${errors}`);
    },
  };
}
