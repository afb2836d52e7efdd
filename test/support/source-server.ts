import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { openRegistry } from '../../src/composition/open-registry.ts';
import { pathsOf } from '../../src/composition/paths.ts';
import type { RunningServer, StartOptions } from '../../src/composition/start-server.ts';
import { configSchema } from '../../src/config/schema.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { Registration } from '../../src/models/registry/registry.ts';

const root = path.resolve(import.meta.dirname, '../..');

export interface SourceServers {
  /** Starts the real server on a free port, in a directory of its own, with the models registered before. */
  start(config: object, models: readonly Registration[]): Promise<RunningServer & { readonly cwd: string }>;
  /** Stops what was started and removes every file. */
  stop(): Promise<void>;
}

/** The server with its threads, which Node 20 takes in JavaScript only: bundled from the sources as they are now. */
export async function buildSourceServers(): Promise<SourceServers> {
  const cache = path.join(root, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const bundle = await mkdtemp(path.join(cache, 'source-server-'));
  const threads = (await readdir(path.join(root, 'src/composition'))).filter((name) =>
    name.endsWith('-thread.ts'),
  );
  await build({
    absWorkingDir: root,
    entryPoints: ['start-server.ts', ...threads].map((name) => `src/composition/${name}`),
    outdir: bundle,
    entryNames: '[name]',
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
  await mkdir(path.join(bundle, 'docs-assets'));
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'])
    await copyFile(
      path.join(root, 'node_modules/swagger-ui-dist', name),
      path.join(bundle, 'docs-assets', name),
    );
  const { startServer } = (await import(pathToFileURL(path.join(bundle, 'start-server.js')).href)) as {
    startServer(options: StartOptions): Promise<RunningServer>;
  };
  const running = new Set<RunningServer>();
  const directories = [bundle];

  return {
    async start(settings, models) {
      const cwd = await mkdtemp(path.join(tmpdir(), 'slipway-http-'));
      directories.push(cwd);
      const config = configSchema.parse(settings);
      const session = await openRegistry(config, pathsOf(config, cwd), cwd, silentLogger);
      for (const model of models) await session.embedded.register(model);
      await session.close();
      const server = await startServer({ config, cwd });
      running.add(server);
      return {
        ...server,
        cwd,
        stop() {
          running.delete(server);
          return server.stop();
        },
      };
    },
    async stop() {
      for (const server of running) await server.stop();
      for (const directory of directories) await rm(directory, { recursive: true, force: true });
    },
  };
}

export function fixture(name: string): string {
  return path.join(root, 'test/models/fixtures', name, 'model.onnx');
}
