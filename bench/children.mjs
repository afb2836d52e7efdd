import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The processes and directories of one run of the bench: none outlives it, however it ends. */
const running = new Set();
const directories = new Set();
const STOP_MS = 10_000;

process.on('exit', () => {
  for (const child of running) killGroup(child);
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.on(signal, () => process.exit(code));
}

/** An empty directory that is deleted at the end. */
export function makeDirectory() {
  const directory = mkdtempSync(path.join(tmpdir(), 'slipway-bench-'));
  directories.add(directory);
  return directory;
}

/** A server in the background; what it prints goes to a file in its directory, read only when it fails. */
export function startChild(command, args, { cwd, env = {} }) {
  const output = path.join(cwd, 'output.txt');
  const file = openSync(output, 'a');
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', file, file],
    detached: true,
  });
  running.add(child);
  const ended = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('exit', resolve);
  });
  ended.then(() => running.delete(child));
  return {
    pid: child.pid,
    isRunning: () => running.has(child),
    output: () => readFileSync(output, 'utf8').slice(-2000),
    /** SIGTERM, and SIGKILL when that is not enough, or when it leaves a process of its own behind. */
    async stop() {
      const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      child.kill('SIGTERM');
      await ended;
      clearTimeout(patience);
      killGroup(child);
    },
  };
}

/** The child and what it started; a child of `runChild` has no group of its own. */
function killGroup(child) {
  child.kill('SIGKILL');
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Runs a command to its end and answers with what it printed; throws when it fails. */
export function runChild(command, args, { cwd, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    let printed = '';
    let complaints = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    child.stderr.on('data', (chunk) => {
      complaints += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      if (code === 0) resolve(printed);
      else
        reject(
          new Error(`${path.basename(command)} ${args[0]} ended with ${code}:\n${complaints || printed}`),
        );
    });
  });
}

/** A port that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
