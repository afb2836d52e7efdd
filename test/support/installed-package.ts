import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

export const root = path.resolve(import.meta.dirname, '../..');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Served {
  readonly url: string;
  post(at: string, body: object): Promise<{ status: number; json: Record<string, unknown> }>;
  /** SIGTERM; answers with the exit code, or the name of the signal that ended it. */
  terminate(): Promise<number | string | null>;
}

export interface InstalledPackage {
  readonly project: string;
  /** Runs `slipway` with this Node in a folder of the project. */
  slipway(folder: string, ...args: readonly string[]): Promise<Ran>;
  serve(folder: string, ...args: readonly string[]): Promise<Served>;
  newFolder(name: string): Promise<string>;
  remove(): Promise<void>;
}

/**
 * Packs the package as `npm publish` would, and installs the tarball in an empty project. What `npm test` has built is
 * packed: a build of its own would take dist/ away from suites that run beside it.
 */
export async function installPackage(): Promise<InstalledPackage> {
  const project = await mkdtemp(path.join(tmpdir(), 'slipway-package-'));
  // onnxruntime-node downloads CUDA libraries when it is installed; a server on CPUs needs none of them.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const packed = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', project], {
    cwd: root,
    env,
  });
  const tarball = packed.stdout.trim().split('\n').at(-1) ?? '';
  await writeFile(path.join(project, 'package.json'), '{"name":"empty","private":true}');
  const flags = ['--omit=dev', '--omit=optional', '--no-audit', '--no-fund', '--prefer-offline'];
  const installed = await run('npm', ['install', ...flags, `./${tarball}`], { cwd: project, env });
  if (installed.code !== 0) throw new Error(`npm install failed: ${installed.stderr}`);
  return packageAt(project, process.execPath);
}

/** The same installation under another Node. */
export function packageAt(project: string, node: string): InstalledPackage {
  const bin = path.join(project, 'node_modules/slipway/dist/bin.js');
  const living = new Set<ChildProcess>();
  return {
    project,
    slipway: (folder, ...args) => run(node, [bin, ...args], { cwd: folder }),
    async serve(folder, ...args) {
      const child = spawn(node, [bin, 'serve', ...args, '--port', '0', '--json'], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      living.add(child);
      const closed = once(child, 'close').finally(() => living.delete(child));
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += String(chunk);
      });
      const line = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), closed]);
      if (typeof line[0] !== 'string') throw new Error(`serve ended: ${stderr}`);
      const { url } = JSON.parse(line[0]) as { url: string };
      return {
        url,
        async post(at, body) {
          const response = await fetch(`${url}${at}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          });
          return { status: response.status, json: (await response.json()) as Record<string, unknown> };
        },
        async terminate() {
          child.kill('SIGTERM');
          const [code, signal] = (await closed) as [number | null, string | null];
          return code ?? signal;
        },
      };
    },
    async newFolder(name) {
      const folder = path.join(project, name);
      await mkdir(folder, { recursive: true });
      return folder;
    },
    async remove() {
      for (const child of living) child.kill('SIGKILL');
      await rm(project, { recursive: true, force: true });
    },
  };
}

export function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(command, args, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
      resolve({ code, stdout, stderr: code === 127 ? `${stderr}${error?.message}` : stderr });
    });
  });
}

/** Sum of the sizes of all files, as `du --apparent-size` counts them. */
export async function bytesOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const at = path.join(directory, entry.name);
    bytes += entry.isDirectory() ? await bytesOf(at) : (await lstat(at)).size;
  }
  return bytes;
}
