import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Converter } from '../models/conversion/converter.ts';
import { PythonEnvironments } from '../models/runtimes/python/environment.ts';
import { PythonConverter } from '../models/runtimes/python/python-converter.ts';
import { PythonRuntime, type PythonRuntimeOptions } from '../models/runtimes/python/python-runtime.ts';
import type { Runtime } from '../models/runtimes/runtime.ts';
import type { Paths } from './paths.ts';

/** For a worker to end by itself, which the drain of the server waits for. */
const STOP_GRACE_MS = 2_000;
const BUILD_TIMEOUT_MS = 15 * 60_000;
/** Where the worker's Python package lies: beside the program when it is installed, or in the sources. */
const PACKAGES = ['./python', '../../python/worker'].map((place) =>
  fileURLToPath(new URL(place, import.meta.url)),
);

type PythonStart = Pick<
  PythonRuntimeOptions,
  'packageDirectory' | 'temporaryDirectory' | 'serverVariables' | 'interpreterFor'
>;

/** What every process of Python is started with. */
function startOf({ python }: Config, paths: Paths, logger: Logger): PythonStart {
  const packageDirectory = PACKAGES.find((folder) => existsSync(folder)) ?? (PACKAGES[0] as string);
  // biome-ignore lint/style/noProcessEnv: workers and installers get what the runtime chooses of it
  const serverVariables = process.env;
  const environments = new PythonEnvironments({
    interpreter: python.interpreter.includes(path.sep)
      ? path.resolve(python.interpreter)
      : python.interpreter,
    kind: python.environment,
    directory: path.join(paths.data, 'environments'),
    packageDirectory,
    serverVariables,
    buildTimeoutMs: BUILD_TIMEOUT_MS,
    onProgress: (line) => logger.info(line, { 'event.action': 'python.environment' }),
    onWarning: (line) => logger.warn(line, { 'event.action': 'python.environment' }),
  });
  return {
    packageDirectory,
    temporaryDirectory: tmpdir(),
    serverVariables,
    interpreterFor: async (_artifact, directory) => ({
      python: await environments.interpreterFor(directory),
    }),
  };
}

/** What makes ONNX graphs of models that run in Python. */
export function openConverter(config: Config, paths: Paths, logger: Logger): Converter {
  const { trusted, convert_timeout_ms: timeoutMs } = config.python;
  return new PythonConverter({ ...startOf(config, paths, logger), trusted, timeoutMs });
}

/** The runtime of models that run in Python, as it is configured. */
export function openPython(config: Config, paths: Paths, logger: Logger): Runtime {
  const { python, serving } = config;
  return new PythonRuntime(
    {
      ...startOf(config, paths, logger),
      workers: python.workers,
      memoryBytes: python.memory_limit_bytes ?? null,
      startTimeoutMs: python.start_timeout_ms,
      deadlineMs: serving.deadline_ms,
      stopGraceMs: STOP_GRACE_MS,
    },
    logger,
  );
}
