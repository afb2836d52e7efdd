import { tmpdir } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { openNativeSession } from '../models/runtimes/onnx/native-session.ts';
import { OnnxRuntime } from '../models/runtimes/onnx/onnx-runtime.ts';
import { type RemoteOptions, RemoteRuntime } from '../models/runtimes/remote/remote-runtime.ts';
import type { Runtime } from '../models/runtimes/runtime.ts';
import { Runtimes } from '../models/runtimes/runtimes.ts';
import type { Paths } from './paths.ts';

/** The runtimes of all formats; what a format needs is loaded with its first model. */
export function openRuntimes(config: Config, paths: Paths, logger: Logger): Runtime {
  return new Runtimes(
    {
      onnx: async () => new OnnxRuntime(openNativeSession),
      python: async () => (await import('./open-python.ts')).openPython(config, paths, logger),
      remote: async () => new RemoteRuntime(remoteOptions(config), { clock: systemClock, logger }),
      text: async () => {
        const { TextRuntime } = await import('../models/runtimes/text/text-runtime.ts');
        return new TextRuntime({
          startThread: () => new Worker(new URL('./text-thread.js', import.meta.url)),
          scratch: tmpdir(),
          deadlineMs: config.serving.deadline_ms,
          threads: 1,
          beams: config.text.beams ?? null,
          maxOutputTokens: config.text.max_output_tokens,
        });
      },
    },
    config.python.trusted,
  );
}

function remoteOptions({ remote }: Config): RemoteOptions {
  return {
    timeoutMs: remote.timeout_ms,
    connectTimeoutMs: remote.connect_timeout_ms,
    retries: remote.retries,
    breakerFailures: remote.breaker_failures,
    breakerOpenMs: remote.breaker_open_ms,
    servers: remote.servers,
    headers: remote.headers,
  };
}
