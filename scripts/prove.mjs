import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { proveRegistry } from './prove-registry.mjs';
import { bundle, ensureBuilt, ensureInstalled, ensureVenv, root, run } from './steps.mjs';

/** The bars that take too long for `npm test`: kills, full disk, bad requests, swaps, rivals, a fresh clone. */
const HELP = `Usage: npm run prove [-- options]

Runs every long proof and prints a table: bar, figure, held or not. The exit code is 1 when one does not hold.

  --only <names>  run only these, separated by commas: durability, registry, bench, clone
  --json          print the rows as JSON
  --help          this text

Example:
  $ npm run prove -- --only durability
`;
const PARTS = {
  durability: proveDurability,
  registry: proveRegistry,
  bench: proveBench,
  clone: proveClone,
};
const COLD_DEMO_SECONDS = 180;
const WARM_DEMO_SECONDS = 5;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const names = values.only.split(',');
const unknown = names.filter((name) => !Object.hasOwn(PARTS, name));
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) process.stderr.write(`--only does not know ${unknown.join(', ')}\n\n`);
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}

await ensureInstalled();
await ensureBuilt();
const rows = [];
for (const name of names) {
  process.stderr.write(`== ${name}\n`);
  rows.push(...(await PARTS[name]()));
}
process.stdout.write(values.json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
process.exit(rows.every((row) => row.held) ? 0 : 1);

async function proveDurability() {
  const outfile = await bundle('test/prove/main.ts', 'prove.mjs');
  const { python } = await ensureVenv('models', path.join(root, 'test/models/requirements.txt'));
  const env = python === null ? {} : { PROVE_PYTHON: python };
  return rowsOf(
    'durability',
    await run(process.execPath, [outfile, '--json'], { quiet: true, progress: true, env }),
    (found) => found,
  );
}

async function proveBench() {
  return rowsOf(
    'bench',
    await run(process.execPath, ['scripts/bench.mjs', '--json'], { quiet: true, progress: true }),
    (found) => found.rows,
  );
}

/** The first command of the README, as somebody who has nothing yet runs it: fresh clone, cold package cache. */
async function proveClone() {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-clone-'));
  try {
    const clone = path.join(folder, 'slipway');
    await run('git', ['clone', '--quiet', root, clone], { quiet: true });
    const env = { npm_config_cache: path.join(folder, 'npm-cache') };
    const demo = async () => {
      const start = Date.now();
      const { code, output } = await run('npm', ['run', 'demo', '--', '--once'], {
        quiet: true,
        cwd: clone,
        env,
      });
      return { code, output, seconds: (Date.now() - start) / 1000 };
    };
    const cold = await demo();
    const warm = await demo();
    const predicted = (cold.output.match(/→/g) ?? []).length;
    return [
      {
        bar: `fresh clone, cold package cache: npm run demo -- --once exits 0 within ${COLD_DEMO_SECONDS} s`,
        figure: `exit ${cold.code}, ${cold.seconds.toFixed(1)} s, ${predicted} predictions`,
        held: cold.code === 0 && cold.seconds < COLD_DEMO_SECONDS && predicted >= 3,
      },
      {
        bar: `second start of the demo under ${WARM_DEMO_SECONDS} s`,
        figure: `exit ${warm.code}, ${warm.seconds.toFixed(1)} s`,
        held: warm.code === 0 && warm.seconds < WARM_DEMO_SECONDS,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The rows in what a part printed; a part that broke off is a row that does not hold. */
function rowsOf(name, { code, output }, pick) {
  const start = output.search(/^[[{]/m);
  try {
    return pick(
      JSON.parse(output.slice(start, Math.max(output.lastIndexOf(']'), output.lastIndexOf('}')) + 1)),
    );
  } catch {
    return [{ bar: `${name} runs to its end`, figure: `exit ${code}: ${output.slice(-500)}`, held: false }];
  }
}

function table(found) {
  return found
    .map(({ bar, figure, unit, target, note, held }) => {
      const facts = [`${figure}${unit ? ` ${unit}` : ''}`, target && `bar ${target}`, note]
        .filter(Boolean)
        .join(', ');
      return `${held ? 'held    ' : 'NOT HELD'}  ${bar}: ${facts}\n`;
    })
    .join('');
}
