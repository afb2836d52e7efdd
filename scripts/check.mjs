import { ensureBuilt, ensureInstalled, run } from './steps.mjs';

/**
 * Everything that a commit must pass and that needs no service: format, lint, types, boundaries, dead code, unit tests.
 * What takes longest comes first.
 *
 * The test files share processes, one after the other in each; `npm test` gives every file its own. The compiler keeps
 * in .cache what it found, and looks only at files that changed and at those that they bear on.
 */
const CHECKS = [
  [
    'unit and house tests',
    'npx',
    ['vitest', 'run', '--project', 'unit', '--project', 'house', '--no-isolate'],
  ],
  ['types', 'npx', ['tsc', '-p', '.', '--incremental', '--tsBuildInfoFile', '.cache/types.tsbuildinfo']],
  ['promises', 'npx', ['oxlint', '--type-aware', '--deny-warnings', 'src', 'python/engine']],
  ['dead code', 'npx', ['knip', '--no-progress']],
  ['boundaries', 'npx', ['depcruise', '--config', '.dependency-cruiser.cjs', 'src']],
  ['format and style', 'npx', ['biome', 'ci', '--error-on-warnings', '.']],
  ['reference pages', process.execPath, ['scripts/docs.mjs', '--check']],
];

await ensureInstalled();
await ensureBuilt();
const begin = Date.now();
const queue = [...CHECKS];
const failures = [];
await Promise.all([0, 1].map(worker));
process.stdout.write(
  `${failures.length === 0 ? 'All checks hold' : `Failed: ${failures.join(', ')}`} (${((Date.now() - begin) / 1000).toFixed(0)} s)\n`,
);
process.exit(failures.length === 0 ? 0 : 1);

/** Two at a time: the machine that this has to be quick on has two cores. */
async function worker() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [name, command, args] = next;
    const start = Date.now();
    const { code, output } = await run(command, args, { quiet: true });
    process.stdout.write(
      `${code === 0 ? 'ok  ' : 'FAIL'}  ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)\n`,
    );
    if (code === 0) continue;
    failures.push(name);
    process.stdout.write(`${output}\n`);
  }
}
