import type { Config } from '../config/schema.ts';
import type { Logger } from '../kernel/logger.ts';
import { openNativeSession } from '../models/runtimes/onnx/native-session.ts';
import { OnnxRuntime } from '../models/runtimes/onnx/onnx-runtime.ts';
import type { Runtime } from '../models/runtimes/runtime.ts';
import { Runtimes } from '../models/runtimes/runtimes.ts';
import type { Paths } from './paths.ts';

/** The runtimes of all formats; what a format needs is loaded with its first model. */
export function openRuntimes(config: Config, _paths: Paths, logger: Logger): Runtime {
  return new Runtimes(
    {
      onnx: async () => new OnnxRuntime(openNativeSession),
      python: async () => (await import('./open-python.ts')).openPython(config, logger),
    },
    config.python.trusted,
  );
}
