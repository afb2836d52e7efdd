import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cache, ensureBuilt, ensureInstalled, ensureVenv, root, run, step } from '../scripts/steps.mjs';
import { makeDirectory } from './children.mjs';

/** Distinct bodies that a load cycles through, and rows of one batch. */
const BODIES = 256;
export const BATCH_ROWS = 1_000;

/**
 * Everything a measurement needs: a build of Slipway, a Python with its peers, the model in both forms, and bodies.
 * Slow parts are kept in .cache.
 */
export async function prepare() {
  await ensureInstalled();
  await ensureBuilt();
  await requireWrk();
  const { python, reason } = await ensureVenv('bench', path.join(root, 'bench/requirements.txt'));
  if (python === null) throw new Error(`The peers need Python: ${reason}`);
  const model = await ensureModel(python);
  await step('Writing to all free memory once', process.execPath, [
    path.join(root, 'bench/touch-memory.mjs'),
  ]);
  return { python, model, cli: copyBuild(), ...writeBodies(model) };
}

/** The server that is measured is a copy: a build that runs meanwhile changes nothing. Its packages are found above. */
function copyBuild() {
  const copy = path.join(cache, 'bench-dist');
  rmSync(copy, { recursive: true, force: true });
  cpSync(path.join(root, 'dist'), copy, { recursive: true });
  return path.join(copy, 'bin.js');
}

/** Trained once: the model is the same for all servers and all runs until its script or its packages change. */
async function ensureModel(python) {
  const model = path.join(cache, 'bench-model');
  const recipe = ['bench/train.py', 'bench/requirements.txt']
    .map((file) => readFileSync(path.join(root, file), 'utf8'))
    .join('');
  const kept = path.join(model, 'recipe.txt');
  if (existsSync(kept) && readFileSync(kept, 'utf8') === recipe) return model;
  const draft = `${model}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  await step('Training the bench model', python, [path.join(root, 'bench/train.py'), draft]);
  writeFileSync(path.join(draft, 'recipe.txt'), recipe);
  rmSync(model, { recursive: true, force: true });
  renameSync(draft, model);
  return model;
}

/** Files with one body a line, for the load generators. */
function writeBodies(model) {
  const directory = makeDirectory();
  const rows = readFileSync(path.join(model, 'rows.jsonl'), 'utf8').trim().split('\n');
  const bodies = rows.slice(0, BODIES);
  const codes = readFileSync(path.join(model, 'codes.jsonl'), 'utf8').trim().split('\n').slice(0, BODIES);
  const files = {
    singles: path.join(directory, 'singles.txt'),
    codes: path.join(directory, 'codes.txt'),
    batch: path.join(directory, 'batch.txt'),
  };
  writeFileSync(files.singles, `${bodies.join('\n')}\n`);
  writeFileSync(files.codes, `${codes.join('\n')}\n`);
  writeFileSync(files.batch, `{"instances":[${rows.slice(0, BATCH_ROWS).join(',')}]}\n`);
  return { bodies, codes, files };
}

async function requireWrk() {
  const isThere = async () => (await run('wrk', ['-v'], { quiet: true })).code !== 127;
  if (await isThere()) return;
  if (process.getuid?.() === 0)
    await step('Installing wrk', 'apt-get', ['install', '-y', 'wrk'], { optional: true });
  if (!(await isThere())) throw new Error('The load comes from wrk: sudo apt-get install wrk');
}
