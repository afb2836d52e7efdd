import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { AppError, messageOf } from '../../../kernel/errors.ts';
import { killGroup } from './kill-group.ts';

/** How a program of the worker's package is run. */
export interface PythonProgram {
  readonly python: string;
  /** The folder that has the Python package `slipway_worker`. */
  readonly packageDirectory: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Past it the program and what it started are ended. */
  readonly timeoutMs: number;
}

export interface ProgramEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly timedOut: boolean;
  /** The end of what it said that was no line of its output. */
  readonly errors: string;
}

const ERROR_CHARACTERS = 4_000;

/**
 * Runs `python -m module` and hands on each line of its output; ENVIRONMENT_INCOMPLETE when there is no such
 * interpreter. It gets a process group of its own, so that what it started ends with it.
 */
export async function runProgram(
  { python, packageDirectory, variables, timeoutMs }: PythonProgram,
  [module, ...args]: readonly [module: string, ...args: string[]],
  onLine: (line: string) => void,
): Promise<ProgramEnd> {
  const child = spawn(python, ['-m', module, ...args], {
    env: { ...variables, PYTHONPATH: packageDirectory, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let timedOut = false;
  let errors = '';
  const end = (): void => killGroup(child.pid);
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutMs);
  process.once('exit', end);
  try {
    createInterface({ input: child.stdout }).on('line', onLine);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-ERROR_CHARACTERS);
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { code, timedOut, errors };
  } catch (error) {
    throw new AppError(
      'ENVIRONMENT_INCOMPLETE',
      `Python could not be started as "${python}" (${messageOf(error)}): install Python 3.9 or newer, or set python.interpreter`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
    process.removeListener('exit', end);
  }
}
