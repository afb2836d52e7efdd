import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, vi } from 'vitest';
import type { LogFields, Logger } from '../../src/kernel/logger.ts';
import { PythonRuntime, type PythonRuntimeOptions } from '../../src/models/runtimes/python/python-runtime.ts';
import type { DeclaredModel, ModelArtifact, RuntimeModel } from '../../src/models/runtimes/runtime.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = path.resolve(import.meta.dirname, '../..');
const NOTHING_DECLARED: DeclaredModel = {
  inputs: null,
  outputs: null,
  params: [],
  task: null,
  labels: null,
  positiveLabel: null,
};

let madePackage: string | null = null;

/** The interpreter itself, past the script that some put before it. */
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();

/** Lines of the log as they were written. */
export class KeptLog implements Logger {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields }[] = [];
  info = (message: string, fields: LogFields = {}) => this.#keep('info', message, fields);
  warn = (message: string, fields: LogFields = {}) => this.#keep('warn', message, fields);
  error = (message: string, fields: LogFields = {}) => this.#keep('error', message, fields);
  debug = (message: string, fields: LogFields = {}) => this.#keep('debug', message, fields);

  get messages(): readonly string[] {
    return this.lines.map(({ message }) => message);
  }

  #keep(level: string, message: string, fields: LogFields): void {
    this.lines.push({ level, message, fields });
  }
}

/** The worker's own package, whose models are Python files (`worker_models.py`). */
export function testPackage(): string {
  if (madePackage !== null) return madePackage;
  const folder = temporaryFolder('worker-package');
  const from = path.join(root, 'python/worker/slipway_worker');
  const to = path.join(folder, 'slipway_worker');
  mkdirSync(to);
  for (const name of readdirSync(from).filter((each) => each.endsWith('.py')))
    copyFileSync(path.join(from, name), path.join(to, name));
  copyFileSync(path.join(import.meta.dirname, 'worker_models.py'), path.join(to, 'models.py'));
  madePackage = folder;
  return folder;
}

const loaded: RuntimeModel[] = [];
const pids = new Set<number>();

// Pythons start slowly on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

afterEach(async () => {
  for (const model of loaded.splice(0)) await model.release();
  for (const pid of pids) await soon(() => expect(isAlive(pid), `process ${pid}`).toBe(false));
  pids.clear();
});

/** An artifact whose model is this Python file. */
export function pythonArtifact(source: string, declared: Partial<DeclaredModel> = {}): ModelArtifact {
  return {
    format: 'python',
    flavor: 'pickle',
    entry: 'model.py',
    files: new Map([['model.py', Buffer.from(source)]]),
    declared: { ...NOTHING_DECLARED, ...declared },
    origin: { registry: 'embedded', digest: null },
  };
}

export function pythonRuntime(log: Logger, options: Partial<PythonRuntimeOptions> = {}): PythonRuntime {
  return new PythonRuntime(
    {
      packageDirectory: testPackage(),
      temporaryDirectory: temporaryFolder('worker-files'),
      workers: 1,
      memoryBytes: null,
      startTimeoutMs: 20_000,
      deadlineMs: 20_000,
      stopGraceMs: 2_000,
      serverVariables: process.env,
      interpreterFor: async () => ({ python }),
      ...options,
    },
    log,
  );
}

/** Released, and its processes seen to be gone, when the test is over. */
export async function loadPython(
  source: string,
  { log = new KeptLog(), declared = {}, ...options }: Partial<PythonRuntimeOptions> & LoadOptions = {},
): Promise<RuntimeModel> {
  const model = await pythonRuntime(log, options).load(pythonArtifact(source, declared));
  loaded.push(model);
  return model;
}

interface LoadOptions {
  readonly log?: Logger;
  readonly declared?: Partial<DeclaredModel>;
}

/** Runs one row and answers with its prediction. */
export async function ask(
  model: RuntimeModel,
  row: Record<string, never> | object = { f0: 1 },
): Promise<unknown> {
  const [output] = await model.run([row as never]);
  return output?.prediction;
}

/** Waits until what is expected holds. */
export function soon(expectation: () => void): Promise<void> {
  return vi.waitFor(expectation, { timeout: 20_000, interval: 20 });
}

/** A process that must be gone when the test is over. */
export function mustEnd(pid: unknown): number {
  if (typeof pid !== 'number') throw new Error(`${String(pid)} is no process`);
  pids.add(pid);
  return pid;
}

export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
