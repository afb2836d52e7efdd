import { Worker } from 'node:worker_threads';
import type { CliContext } from '../cli/context.ts';
import { encodeDataFile, openDataFile } from '../datasets/data-file.ts';
import { type Logger, silentLogger } from '../kernel/logger.ts';
import { pathsOf } from './paths.ts';
import { VERSION } from './version.ts';

/** What a command should not keep to itself. */
const warnings: Logger = {
  ...silentLogger,
  warn: (message) => void process.stderr.write(`slipway: warning: ${message}\n`),
};

/** The real world for the command line; what is heavy is loaded by the command that needs it. */
export function createCliContext(): CliContext {
  const cwd = process.cwd();
  return {
    version: VERSION,
    // biome-ignore lint/style/noProcessEnv: the environment is read here and handed on
    env: process.env,
    cwd,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    logsDirectory: (config) => pathsOf(config, cwd).logs,
    async openRegistry(config) {
      const { openRegistry } = await import('./open-registry.ts');
      const { createCliRegistry } = await import('./cli-registry.ts');
      return createCliRegistry(await openRegistry(config, pathsOf(config, cwd), cwd, warnings), cwd);
    },
    async openPredictions(config) {
      const { openStore } = await import('../storage/open-store.ts');
      const { KyselyPredictionStore } = await import('../storage/predictions/kysely-prediction-store.ts');
      const store = await openStore({ url: pathsOf(config, cwd).storeUrl, readOnly: true }, silentLogger);
      return { predictions: new KyselyPredictionStore(store.database), close: () => store.close() };
    },
    async startServer(config, onRegistered) {
      const { startServer } = await import('./start-server.ts');
      const server = await startServer({ config, cwd, onRegistered });
      return { ...server, logs: server.paths.logs };
    },
    openRows: openDataFile,
    encodeFile: (job) => encodeDataFile(job, () => new Worker(new URL('./sink-thread.js', import.meta.url))),
    async doctor(config) {
      const { doctor } = await import('./doctor.ts');
      return doctor(config, cwd);
    },
    untilSignal: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
      }),
    exitOnNextSignal() {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(130));
    },
  };
}
