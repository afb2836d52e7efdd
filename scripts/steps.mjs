import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the scripts share: running a command, and doing a slow thing only when what it depends on has changed. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
export const cache = path.join(root, '.cache');

/**
 * Runs a command from the root and answers with its exit code and output. `quiet` keeps the output back, to be shown
 * only when it is needed; `progress` lets through what the command writes to stderr.
 */
export function run(command, args, { quiet = false, progress = false, env = {}, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', progress ? 'inherit' : 'pipe'] : 'inherit',
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Runs a step with one line of progress; its output is shown when it fails, and then the script ends. */
export async function step(title, command, args, options = {}) {
  const start = Date.now();
  process.stderr.write(`${title} … `);
  const { code, output } = await run(command, args, { ...options, quiet: true });
  process.stderr.write(`${code === 0 ? 'done' : 'FAILED'} (${((Date.now() - start) / 1000).toFixed(1)} s)\n`);
  if (code !== 0 && options.optional !== true) {
    process.stderr.write(`${output}\n`);
    process.exit(1);
  }
  return { code, output };
}

/** Does the work when its key is not the one of the last time. */
export async function whenChanged(name, key, isThere, work) {
  const stamp = path.join(cache, `${name}.stamp`);
  if (isThere() && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  await work();
  mkdirSync(cache, { recursive: true });
  writeFileSync(stamp, key);
}

/** node_modules as the lock file has it. */
export function ensureInstalled() {
  const key = hashOf([path.join(root, 'package-lock.json')]);
  const isThere = () => existsSync(path.join(root, 'node_modules/esbuild'));
  return whenChanged('install', key, isThere, () =>
    step('Installing packages', 'npm', [
      'install',
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ]),
  );
}

/** dist/ and the Python package's engine as the sources have them. */
export function ensureBuilt() {
  const sources = [
    ...filesBelow(path.join(root, 'src')),
    ...filesBelow(path.join(root, 'python/engine')),
    ...filesBelow(path.join(root, 'python/worker')).filter((file) => file.endsWith('.py')),
    path.join(root, 'scripts/build.mjs'),
    path.join(root, 'package.json'),
  ];
  const isThere = () =>
    existsSync(path.join(root, 'dist/bin.js')) && existsSync(path.join(root, 'python/src/slipway/engine.js'));
  return whenChanged('build', hashOf(sources), isThere, () =>
    step('Building', process.execPath, ['scripts/build.mjs']),
  );
}

/**
 * A virtual environment in .cache with what the requirements file pins, paths in it being relative to it; answers with
 * its Python, or with null and the reason when there is no Python 3.11 or newer to make it with.
 */
export async function ensureVenv(name, requirements) {
  const system = await findPython();
  if (system === null) return { python: null, reason: 'no python3 of version 3.11 or newer on PATH' };
  const folder = path.join(cache, `venv-${name}`);
  const python = path.join(folder, 'bin/python');
  await whenChanged(
    `venv-${name}`,
    hashOf([requirements]),
    () => existsSync(python),
    async () => {
      await step(`Making the Python environment "${name}"`, system, ['-m', 'venv', '--clear', folder]);
      const title = `Installing ${path.relative(root, requirements)}`;
      const cwd = path.dirname(requirements);
      if (await installWithUv(title, system, python, requirements)) return;
      await step(
        title,
        python,
        ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements],
        { cwd },
      );
    },
  );
  return { python, reason: null };
}

/**
 * The same as pip in less than half of the time, and a package that several environments have is fetched and kept once.
 * False where uv cannot be had, or cannot do it: then pip says why.
 */
async function installWithUv(title, system, python, requirements) {
  const folder = path.join(cache, 'uv');
  const uv = path.join(folder, 'bin/uv');
  if (!existsSync(uv)) {
    await run(system, ['-m', 'venv', '--clear', folder], { quiet: true });
    await run(path.join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', 'uv'], { quiet: true });
    if (!existsSync(uv)) return false;
  }
  const args = ['pip', 'install', '--quiet', '--python', python, '-r', requirements];
  const env = { UV_CACHE_DIR: path.join(cache, 'uv-cache'), ...(await uvSettings(system)) };
  const { code } = await step(title, uv, args, { cwd: path.dirname(requirements), env, optional: true });
  return code === 0;
}

/** uv reads nothing of pip's configuration: where packages come from is told to it. */
async function uvSettings(system) {
  const settings = {
    UV_DEFAULT_INDEX: 'global.index-url',
    UV_FIND_LINKS: 'global.find-links',
    SSL_CERT_FILE: 'global.cert',
  };
  const env = {};
  for (const [name, setting] of Object.entries(settings)) {
    const fromEnv = process.env[`PIP_${setting.slice('global.'.length).replace('-', '_').toUpperCase()}`];
    const { code, output } = await run(system, ['-m', 'pip', 'config', 'get', setting], { quiet: true });
    const value = fromEnv ?? (code === 0 ? output.trim() : '');
    if (value !== '' && process.env[name] === undefined) env[name] = value;
  }
  return env;
}

async function findPython() {
  for (const candidate of ['python3.11', 'python3']) {
    const { code, output } = await run(
      candidate,
      ['-c', 'import sys, venv; print(sys.version_info >= (3, 11))'],
      { quiet: true },
    );
    if (code === 0 && output.trim() === 'True') return candidate;
  }
  return null;
}

export function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}

/** Bundles a TypeScript program of the repository into .cache, for Node to run; answers with the file. */
export async function bundle(entry, name) {
  const { build } = await import('esbuild');
  const outfile = path.join(cache, name);
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
  });
  return outfile;
}
