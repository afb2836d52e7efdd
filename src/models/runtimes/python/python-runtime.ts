import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../../../kernel/logger.ts';
import { PrivateDirectories, writeFiles } from '../private-directories.ts';
import type { ModelArtifact, Runtime, RuntimeModel } from '../runtime.ts';
import { bindFields } from './bind-fields.ts';
import { bindOutput } from './bind-output.ts';
import { PythonModel } from './python-model.ts';
import { refusedStart } from './start-failure.ts';
import { allowedVariables } from './workers/allowed-variables.ts';
import { WorkerPool } from './workers/worker-pool.ts';
import { StartFailure } from './workers/worker-process.ts';

export interface PythonRuntimeOptions {
  /** The folder that has the Python package `slipway_worker`. */
  readonly packageDirectory: string;
  /** Where directories for the files of models are made; they go when the model does. */
  readonly temporaryDirectory: string;
  /** Processes for each version. */
  readonly workers: number;
  /** Most memory of one process; null for no limit. */
  readonly memoryBytes: number | null;
  readonly startTimeoutMs: number;
  /** Longest time of one run. */
  readonly deadlineMs: number;
  /** For a process to end by itself when its model is released. */
  readonly stopGraceMs: number;
  /** The server's environment; workers get what `allowedVariables` lets through. */
  readonly serverVariables: Readonly<Record<string, string | undefined>>;
  /**
   * The Python that runs an artifact, whose files are in `directory`. May refuse, as with ENVIRONMENT_INCOMPLETE; nothing
   * of the model has run then.
   */
  interpreterFor(artifact: ModelArtifact, directory: string): Promise<Interpreter>;
}

export interface Interpreter {
  readonly python: string;
  /** Variables that this environment needs beside. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Models that their own Python libraries run, in processes beside the server (docs/adr/0014-python-workers.md). */
export class PythonRuntime implements Runtime {
  readonly #options: PythonRuntimeOptions;
  readonly #logger: Logger;
  readonly #directories: PrivateDirectories;

  constructor(options: PythonRuntimeOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#directories = new PrivateDirectories(options.temporaryDirectory, 'slipway-python');
  }

  async load(artifact: ModelArtifact): Promise<RuntimeModel> {
    const directory = await this.#directories.make();
    const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
    try {
      return await this.#start(artifact, directory, remove);
    } catch (error) {
      await remove();
      throw error instanceof StartFailure ? refusedStart(error) : error;
    }
  }

  async #start(
    artifact: ModelArtifact,
    directory: string,
    onReleased: () => Promise<void>,
  ): Promise<RuntimeModel> {
    const files = path.join(directory, 'model');
    const temporary = path.join(directory, 'tmp');
    await Promise.all([mkdir(files), mkdir(temporary)]);
    await writeFiles(files, artifact.files);
    const { python, variables = {} } = await this.#options.interpreterFor(artifact, files);
    const { packageDirectory, workers, memoryBytes, startTimeoutMs, deadlineMs, stopGraceMs } = this.#options;
    const plan = {
      python,
      packageDirectory,
      variables: { ...allowedVariables(this.#options.serverVariables), ...variables, TMPDIR: temporary },
      load: JSON.stringify({
        type: 'load',
        directory: files,
        entry: artifact.entry,
        declared: artifact.declared,
        limits: { memory_bytes: memoryBytes },
      }),
      memoryBytes,
      startTimeoutMs,
      version: nameOf(artifact),
    };
    const pool = new WorkerPool(plan, { workers, deadlineMs, stopGraceMs }, this.#logger);
    const facts = await pool.start();
    for (const warning of facts.warnings) this.#logger.warn(warning, { 'slipway.version': plan.version });
    try {
      const fields = bindFields(artifact.declared, facts);
      return new PythonModel(pool, fields, bindOutput(artifact.declared, facts), onReleased);
    } catch (error) {
      await pool.release();
      throw error;
    }
  }
}

/** What the log calls a version, which has no name where files are loaded. */
function nameOf({ entry, origin }: ModelArtifact): string {
  return origin.digest === null ? `${entry} (new)` : `${entry} ${origin.digest.slice(0, 19)}`;
}
