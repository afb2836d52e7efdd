import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { DoctorCheck } from '../cli/context.ts';
import type { Config } from '../config/schema.ts';
import { messageOf } from '../kernel/errors.ts';
import { silentLogger } from '../kernel/logger.ts';
import { isModelLocation, parseModelReference } from '../models/model-reference.ts';
import { openRegistry } from './open-registry.ts';
import { pathsOf } from './paths.ts';

const LEAST_NODE = [20, 19];
const LEAST_FREE_BYTES = 1024 ** 3;

/** What a person would look at first when something does not work. */
export async function doctor(config: Config, cwd: string): Promise<readonly DoctorCheck[]> {
  const paths = pathsOf(config, cwd);
  return [
    checkNode(),
    await check('onnxruntime', async () => {
      await import('onnxruntime-node');
      return `loads on ${process.platform} ${process.arch}`;
    }),
    await check('prediction log', () => writable(paths.logs)),
    await check('data directory', () => writable(paths.data)),
    await check('store', async () => {
      const session = await openRegistry(config, paths, cwd, silentLogger);
      try {
        const models = await session.registry.listModels();
        for (const [name, endpoint] of Object.entries(config.endpoints)) {
          if (!isModelLocation(endpoint.model))
            await session.registry.resolve(parseModelReference(endpoint.model)).catch((error: unknown) => {
              throw new Error(`endpoint ${name}: ${messageOf(error)}`);
            });
        }
        return `${session.store.engine}, ${models.length} registered models`;
      } finally {
        await session.close();
      }
    }),
    await check('port', () => portFree(config.server.host, config.server.port), 'warning'),
  ];
}

async function check(
  name: string,
  probe: () => Promise<string>,
  otherwise: 'failed' | 'warning' = 'failed',
): Promise<DoctorCheck> {
  try {
    return { name, state: 'ok', detail: await probe() };
  } catch (error) {
    return { name, state: otherwise, detail: messageOf(error) };
  }
}

function checkNode(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isEnough = major > (LEAST_NODE[0] ?? 0) || (major === LEAST_NODE[0] && minor >= (LEAST_NODE[1] ?? 0));
  return {
    name: 'node',
    state: isEnough ? 'ok' : 'failed',
    detail: `${process.versions.node}, needs ${LEAST_NODE.join('.')} or newer`,
  };
}

async function writable(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  await access(directory, constants.W_OK);
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free < LEAST_FREE_BYTES)
    throw new Error(`${directory}: only ${Math.round(free / 1024 ** 2)} MiB are free`);
  return `${directory}, ${Math.round(free / 1024 ** 3)} GiB free`;
}

function portFree(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', () =>
      reject(new Error(`${host}:${port} is taken: another server runs, or choose --port`)),
    );
    probe.listen(port, host, () => probe.close(() => resolve(`${host}:${port} is free`)));
  });
}
