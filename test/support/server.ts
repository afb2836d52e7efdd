import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A built server in a process of its own. */
export interface BuiltServer {
  readonly url: string;
  readonly port: number;
  /** host:port, or undefined where gRPC is off. */
  readonly grpcAddress: string | undefined;
  readonly pid: number;
  /** Its working directory: state is in `.slipway`, the log in `logs`. */
  readonly directory: string;
  readonly exited: Promise<ServerExit>;
  /** What it wrote to stderr so far. */
  stderr(): string;
  /** SIGTERM, and how the process ended. */
  terminate(): Promise<ServerExit>;
  /** SIGKILL. */
  kill(): Promise<ServerExit>;
}

export interface ServerOptions {
  readonly directory: string;
  /** A path, from the root of the repository; without one, what the configuration says is served. */
  readonly model?: string;
  /** What slipway.yaml says. */
  readonly config?: object;
  readonly args?: readonly string[];
  readonly nodeOptions?: string;
}

export const root = repositoryRoot();
export const SALES_MODEL = 'examples/sales-quantity/model';
const START_MS = 30_000;
const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** Starts `dist/bin.js serve` on a free port and resolves when it is up. */
export async function startServer(options: ServerOptions): Promise<BuiltServer> {
  const { directory, model, config = {}, args = [], nodeOptions } = options;
  await writeFile(path.join(directory, 'slipway.yaml'), JSON.stringify(config));
  const bin = path.join(root, 'dist/bin.js');
  const child = spawn(
    process.execPath,
    [
      bin,
      'serve',
      ...(model === undefined ? [] : [path.join(root, model)]),
      '--port',
      '0',
      '--json',
      ...args,
    ],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(nodeOptions !== undefined && { env: { ...process.env, NODE_OPTIONS: nodeOptions } }),
    },
  );
  living.add(child);
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr = (stderr + String(chunk)).slice(-20_000);
  });
  const exited = once(child, 'exit').then(([code, signal]): ServerExit => {
    living.delete(child);
    return { code, signal };
  });
  const { url, grpc } = JSON.parse(await firstLine(child, () => stderr)) as { url: string; grpc?: string };

  function end(signal: NodeJS.Signals): Promise<ServerExit> {
    child.kill(signal);
    return exited;
  }
  return {
    url,
    port: Number(new URL(url).port),
    grpcAddress: grpc,
    pid: child.pid as number,
    directory,
    exited,
    stderr: () => stderr,
    terminate: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

function firstLine(child: ChildProcess, stderr: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the server was not up after ${START_MS} ms: ${stderr()}`));
    }, START_MS);
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += String(chunk);
      const end = output.indexOf('\n');
      if (end === -1) return;
      clearTimeout(late);
      resolve(output.slice(0, end));
    });
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the server ended with ${code} before it was up: ${stderr()}`));
    });
  });
}

/** The folder with our package.json, from the source and from a bundle in .cache alike. */
function repositoryRoot(): string {
  for (let at = path.dirname(fileURLToPath(import.meta.url)); at !== '/'; at = path.dirname(at)) {
    const file = path.join(at, 'package.json');
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'slipway') return at;
  }
  throw new Error('not inside the repository');
}
