import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../kernel/logger.ts';
import { PythonRuntime } from '../models/runtimes/python/python-runtime.ts';
import type { Runtime } from '../models/runtimes/runtime.ts';

/** For a worker to end by itself, which the drain of the server waits for. */
const STOP_GRACE_MS = 2_000;
/** Where the worker's Python package lies: beside the program when it is installed, or in the sources. */
const PACKAGES = ['./python', '../../python/worker'].map((place) =>
  fileURLToPath(new URL(place, import.meta.url)),
);

/** The runtime of models that run in Python, as it is configured. */
export function openPython({ python, serving }: Config, logger: Logger): Runtime {
  const interpreter = python.interpreter.includes(path.sep)
    ? path.resolve(python.interpreter)
    : python.interpreter;
  return new PythonRuntime(
    {
      packageDirectory: PACKAGES.find((folder) => existsSync(folder)) ?? (PACKAGES[0] as string),
      temporaryDirectory: tmpdir(),
      workers: python.workers,
      memoryBytes: python.memory_limit_bytes ?? null,
      startTimeoutMs: python.start_timeout_ms,
      deadlineMs: serving.deadline_ms,
      stopGraceMs: STOP_GRACE_MS,
      // biome-ignore lint/style/noProcessEnv: workers get what the runtime chooses of it
      serverVariables: process.env,
      interpreterFor: async () => ({ python: interpreter }),
    },
    logger,
  );
}
