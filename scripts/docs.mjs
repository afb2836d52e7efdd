import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle, ensureInstalled, root } from './steps.mjs';

/** Writes docs/reference/ from the code that it describes; `--check` fails when a page is not what it would write. */
await ensureInstalled();
const { referencePages } = await import(await bundle('scripts/reference-pages.ts', 'reference-pages.mjs'));
const folder = path.join(root, 'docs/reference');
mkdirSync(folder, { recursive: true });
let stale = 0;
for (const [name, text] of Object.entries(referencePages())) {
  const file = path.join(folder, name);
  const isCurrent = read(file) === text;
  if (isCurrent) continue;
  stale++;
  if (process.argv.includes('--check'))
    process.stdout.write(`docs/reference/${name} is not what the code says: npm run docs:generate\n`);
  else {
    writeFileSync(file, text);
    process.stdout.write(`wrote docs/reference/${name}\n`);
  }
}
process.exit(process.argv.includes('--check') && stale > 0 ? 1 : 0);

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
