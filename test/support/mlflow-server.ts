import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

const START_MS = 120_000;

/** A real MLflow server with a database and artifacts below a folder. */
export interface MlflowProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** `python`: an interpreter that has mlflow. Fails with the server's log when it does not come up. */
export async function startMlflow(python: string, folder: string): Promise<MlflowProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = path.join(folder, 'server.log');
  const log = openSync(file, 'a');
  const words = ['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'];
  const places = [
    '--backend-store-uri',
    `sqlite:///${folder}/mlflow.db`,
    '--artifacts-destination',
    `${folder}/files`,
  ];
  const child = spawn(python, [...words, ...places], {
    cwd: folder,
    env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: '1' },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  const deadline = Date.now() + START_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child);
      throw new Error(`MLflow does not start: ${readFileSync(file, 'utf8').slice(-2_000)}`);
    }
    await sleep(100);
  }
  return { url, stop: () => end(child) };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    return false;
  }
}

/** With the workers that it started, which are of its process group. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await gone;
}
