import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { cache, ensureBuilt, ensureInstalled, ensureVenv, root, run, step } from './steps.mjs';

/**
 * Every suite, with what each needs set up first; closes with the sum over all. A suite that cannot run here is
 * skipped by name with the reason, and that is a failure where CI is set.
 */
const total = { passed: 0, failed: 0, skipped: 0 };
const isCi = process.env.CI === 'true';
/** Most suites wait for servers most of the time: as many run at once as there are cores here. */
const LANES = 2;
const E2E = ['--project', 'e2e'];
let reports = 0;

await ensureInstalled();
await ensureBuilt();
await ensurePromtool();
const environments = environmentsOf(pythonSuites());
await vitest('TypeScript suites', ['--project', '!e2e']);
await inLanes([() => vitest('The built package', E2E), ...environments]);
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exit(total.failed === 0 ? 0 : 1);

/** promtool comes with Debian's package prometheus; without it one test is skipped, and says so. */
async function ensurePromtool() {
  if ((await run('promtool', ['--version'], { quiet: true })).code === 0) return;
  if (process.getuid?.() !== 0 || (await run('apt-get', ['--version'], { quiet: true })).code !== 0) return;
  await step('Installing promtool', 'sh', ['-c', 'apt-get update -qq && apt-get install -y -qq prometheus'], {
    optional: true,
  });
}

/** What each environment is made of and the suites that need it, those that take longest first. */
function pythonSuites() {
  const example = (name) => ({
    name,
    requirements: path.join('examples', name, 'requirements.txt'),
    suites: [(python) => pytest(`Example: ${name}`, python, path.join('examples', name))],
  });
  return [
    {
      name: 'servers',
      requirements: 'test/requirements.txt',
      suites: [
        (python) => pytest('The same bodies for MLflow and for Slipway', python, 'test/differential'),
        (python) => pytest('A real MLflow registry', python, 'test/registry'),
        (python) => pytest('Clients of the protocols', python, 'test/clients'),
        (python) => pytest('Every format of model', python, 'test/formats'),
        (python) => pytest('A real KServe behind an endpoint', python, 'test/remote/with_kserve'),
        (python) =>
          vitest('The contract of registries on MLflow', ['--project', 'registry'], {
            MLFLOW_PYTHON: python,
          }),
      ],
    },
    { name: 'models', requirements: 'test/models/requirements.txt', suites: [madeModels] },
    {
      name: 'python',
      requirements: 'python/requirements-test.txt',
      suites: [(python) => pytest('Python package', python, 'python/tests')],
    },
    {
      name: 'worker',
      requirements: 'python/worker/requirements-test.txt',
      suites: [
        (python) => pytest('Models in the Python worker', python, 'python/worker/tests'),
        (python) => pytest('Conversion to ONNX', python, 'test/conversion'),
      ],
    },
    {
      name: 'remote',
      requirements: 'test/remote/requirements.txt',
      suites: [(python) => pytest('A real MLServer behind an endpoint', python, 'test/remote/with_mlserver')],
    },
    {
      name: 'guides',
      requirements: 'test/guides/requirements.txt',
      suites: [(python) => pytest('Guides', python, 'test/guides')],
    },
    example('sales-quantity'),
    example('credit-risk'),
    example('delivery-date'),
    example('translation-en-hi'),
  ];
}

/**
 * Makes the environments one after the other, from now on, and answers with one thing to do for each suite, which waits
 * for its own.
 */
function environmentsOf(wanted) {
  let last = Promise.resolve();
  return wanted.flatMap(({ name, requirements, suites }) => {
    const made = last.then(() => ensureVenv(name, path.join(root, requirements)));
    last = made;
    return suites.map((suite) => async () => {
      const { python, reason } = await made;
      if (python !== null) return suite(python);
      process.stdout.write(`SKIPPED a Python suite of ${name}: ${reason}\n`);
      if (isCi) total.failed += 1;
      else total.skipped += 1;
    });
  });
}

async function inLanes(jobs) {
  const waiting = [...jobs];
  const lane = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function madeModels(python) {
  const made = path.join(cache, 'made-models');
  rmSync(made, { recursive: true, force: true });
  const { code, output } = await step(
    'Training the fixture models with their own libraries',
    python,
    ['test/models/make_models.py', '--out', made],
    { optional: true },
  );
  if (code !== 0) {
    process.stdout.write(`${output}\n`);
    total.failed += 1;
    return;
  }
  await vitest('Models that were trained just now', ['--project', 'models'], { MODEL_FIXTURES: made });
}

/** What is written of a suite that runs beside others comes at its end. */
async function vitest(title, args, env = {}) {
  const report = path.join(cache, `vitest-${++reports}.json`);
  mkdirSync(cache, { recursive: true });
  rmSync(report, { force: true });
  const { code, output } = await timed(title, 'npx', ['vitest', 'run', ...args], {
    ...env,
    TEST_REPORT_FILE: report,
  });
  process.stdout.write(code === 0 ? '' : output);
  let counted;
  try {
    counted = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    counted = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0 };
  }
  total.passed += counted.numPassedTests;
  total.failed += counted.numFailedTests + (code !== 0 && counted.numFailedTests === 0 ? 1 : 0);
  total.skipped += counted.numPendingTests + (counted.numTodoTests ?? 0);
}

async function pytest(title, python, folder) {
  const { code, output } = await timed(
    title,
    python,
    ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', path.join(root, folder)],
    { PYTHONDONTWRITEBYTECODE: '1' },
  );
  process.stdout.write(code === 0 ? '' : output);
  const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(output)?.[1] ?? 0);
  total.passed += count('passed');
  total.skipped += count('skipped');
  total.failed +=
    count('failed') + count('error') + (code !== 0 && count('failed') + count('error') === 0 ? 1 : 0);
}

/** Runs a suite and writes one line of it; answers as `run` does. */
async function timed(title, command, args, env) {
  const startedAt = Date.now();
  process.stdout.write(`== ${title} begins\n`);
  const result = await run(command, args, { quiet: true, env });
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
  const told = result.output.match(/\d+ passed.*/g)?.at(-1) ?? '';
  for (const [line] of result.output.matchAll(/^.*\bis skipped\b.*$/gm)) process.stdout.write(`${line}\n`);
  process.stdout.write(`== ${title}: ${result.code === 0 ? 'ok' : 'FAILED'} (${seconds} s) ${told}\n`);
  return result;
}
