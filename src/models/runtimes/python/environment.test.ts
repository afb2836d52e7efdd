import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../kernel/errors.ts';
import { type EnvironmentOptions, PythonEnvironments } from './environment.ts';

const packageDirectory = path.resolve('python/worker');
const run = promisify(execFile);
/** What pip says, or uv where it is on the PATH. */
const INSTALLED = /^Successfully installed lighthouse|^Installed 1 package/;
let folder: string;
let model: string;
let progress: string[];
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-environment-test-'));
  model = path.join(folder, 'model');
  await mkdir(path.join(folder, 'wheels'), { recursive: true });
  await mkdir(model);
  progress = [];
  warnings = [];
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function environments(options: Partial<EnvironmentOptions> = {}): PythonEnvironments {
  return new PythonEnvironments({
    interpreter: 'python3',
    kind: 'model',
    directory: path.join(folder, 'environments'),
    packageDirectory,
    serverVariables: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PIP_NO_INDEX: '1',
      PIP_FIND_LINKS: path.join(folder, 'wheels'),
      DATABASE_PASSWORD: 'a secret',
    },
    buildTimeoutMs: 60_000,
    onProgress: (line) => progress.push(line),
    onWarning: (line) => warnings.push(line),
    ...options,
  });
}

async function writeRequirements(...lines: readonly string[]): Promise<void> {
  await writeFile(path.join(model, 'requirements.txt'), `${lines.join('\n')}\n`);
}

/** A wheel is a zip of the module and three files that describe it; Python writes it. */
async function makeWheel(name: string, version: string): Promise<void> {
  const script = `
import sys, zipfile
folder, name, version = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}.py", f"version = '{version}'\\n")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", f"{name}.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n")
`;
  await run('python3', ['-c', script, path.join(folder, 'wheels'), name, version]);
}

async function refusal(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

const versionIn = async (python: string): Promise<string> =>
  (await run(python, ['-c', 'import lighthouse; print(lighthouse.version)'])).stdout.trim();

describe('the environment of a model', { timeout: 120_000 }, () => {
  it('is made once of the requirements, for two that ask at the same time, and kept', async () => {
    await makeWheel('lighthouse', '1.2.0');
    await writeRequirements('lighthouse==1.2.0  # what the model was saved with');
    const [first, second] = await Promise.all([
      environments().interpreterFor(model),
      environments().interpreterFor(model),
    ]);
    expect(second).toBe(first);
    expect(await versionIn(first)).toBe('1.2.0');
    expect(progress.filter((line) => INSTALLED.test(line))).toHaveLength(1);
    progress = [];
    expect(await environments().interpreterFor(model)).toBe(first);
    expect(progress).toEqual([]);
    expect(
      (await readdir(path.join(folder, 'environments'))).filter((name) => /building/.test(name)),
    ).toEqual([]);
  });

  it('is another one for other requirements', async () => {
    await makeWheel('lighthouse', '1.2.0');
    await makeWheel('lighthouse', '2.0.0');
    await writeRequirements('lighthouse<2');
    const older = await environments().interpreterFor(model);
    await rm(path.join(model, 'requirements.txt'));
    await writeFile(
      path.join(model, 'conda.yaml'),
      'channels:\n- conda-forge\ndependencies:\n- pip<=30\n- pip:\n  - lighthouse==2.0.0\nname: mlflow-env\n',
    );
    const newer = await environments().interpreterFor(model);
    expect([await versionIn(older), await versionIn(newer)]).toEqual(['1.2.0', '2.0.0']);
  });

  it('leaves nothing where a package cannot be had, and says what the installer said', async () => {
    await writeRequirements('no-such-package-here==9');
    const error = await refusal(environments().interpreterFor(model));
    expect(error.code).toBe('ENVIRONMENT_INCOMPLETE');
    expect(error.message).toMatch(/install.* ended with 1:[\s\S]*no-such-package-here==9/);
    const left = await readdir(path.join(folder, 'environments'));
    expect(left.filter((name) => !name.endsWith('.lock'))).toEqual([]);
  });

  it('is made anew of nothing that a killed build has left', async () => {
    await makeWheel('lighthouse', '1.2.0');
    await writeRequirements('lighthouse');
    const python = await environments().interpreterFor(model);
    const made = path.dirname(path.dirname(python));
    await rename(made, `${made}.building-1`);
    await rm(path.join(`${made}.building-1`, 'slipway-environment.json'));
    expect(await environments().interpreterFor(model)).toBe(python);
    expect(await versionIn(python)).toBe('1.2.0');
    const names = await readdir(path.join(folder, 'environments'));
    expect(names.sort()).toEqual([path.basename(made), `${path.basename(made)}.lock`]);
  });

  it('is ended with what it started when it takes too long', async () => {
    await writeRequirements('lighthouse');
    const error = await refusal(environments({ buildTimeoutMs: 1 }).interpreterFor(model));
    expect(error.message).toContain('longer than 1 ms');
  });

  it('needs requirements to be made of', async () => {
    expect((await refusal(environments().interpreterFor(model))).message).toContain(
      'no requirements.txt, python_env.yaml or conda.yaml',
    );
  });
});

describe('an interpreter that is there', { timeout: 60_000 }, () => {
  it('is refused with every package that is missing', async () => {
    await writeRequirements(
      'pip',
      'lighthouse==1.2.0',
      'other-lighthouse>=2; python_version >= "3"',
      'not-here; python_version < "3"',
    );
    const error = await refusal(environments({ kind: 'system' }).interpreterFor(model));
    expect(error.code).toBe('ENVIRONMENT_INCOMPLETE');
    expect(error.message).toContain('lighthouse==1.2.0 (not installed), other-lighthouse>=2 (not installed)');
    expect(error.message).not.toContain('not-here');
  });

  it('is taken with a warning where a version is another', async () => {
    await writeRequirements('pip==1.0.0');
    await writeFile(path.join(model, 'python_env.yaml'), 'python: 2.7.18\n');
    expect(await environments({ kind: 'system' }).interpreterFor(model)).toBe('python3');
    expect(warnings).toEqual([
      expect.stringMatching(/^The model was saved with Python 2\.7\.18, and runs with 3\./),
      expect.stringMatching(/^The model asks for pip==1\.0\.0 \(\d.* is installed\)$/),
    ]);
  });

  it('is taken as it is where a model asks for nothing', async () => {
    expect(await environments({ kind: 'system' }).interpreterFor(model)).toBe('python3');
    expect(warnings).toEqual([]);
  });

  it('must be there', async () => {
    const missing = environments({ kind: 'system', interpreter: '/nowhere/python3' });
    expect((await refusal(missing.interpreterFor(model))).message).toContain('set python.interpreter');
  });

  it('gets no secret of the server', async () => {
    const spy = path.join(folder, 'spy');
    await writeFile(spy, `#!/bin/sh\nenv > ${folder}/variables\nexec python3 "$@"\n`, { mode: 0o755 });
    await environments({ kind: 'system', interpreter: spy }).interpreterFor(model);
    const { stdout } = await run('cat', [`${folder}/variables`]);
    expect(stdout).toContain('PIP_NO_INDEX=1');
    expect(stdout).not.toContain('a secret');
  });
});
