import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { cache, ensureBuilt, ensureInstalled, ensureVenv, root, run, step } from './steps.mjs';

/**
 * Every suite, with what each needs set up first; closes with the sum over all. A suite that cannot run here is
 * skipped by name with the reason, and that is a failure where CI is set.
 */
const total = { passed: 0, failed: 0, skipped: 0 };
const isCi = process.env.CI === 'true';

await ensureInstalled();
await ensureBuilt();
await ensurePromtool();
await vitest('TypeScript suites', []);
await pythonSuites();
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

async function vitest(title, args, env = {}) {
  const report = path.join(cache, 'vitest.json');
  mkdirSync(cache, { recursive: true });
  rmSync(report, { force: true });
  process.stdout.write(`\n== ${title}\n`);
  const { code } = await run('npx', ['vitest', 'run', ...args], {
    env: { ...env, TEST_REPORT_FILE: report },
  });
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

async function pythonSuites() {
  for (const name of ['sales-quantity', 'credit-risk']) {
    const example = path.join(root, 'examples', name);
    await inVenv(name, path.join(example, 'requirements.txt'), (python) =>
      pytest(`Example: ${name}`, python, example),
    );
  }
  await inVenv('python', path.join(root, 'python/requirements-test.txt'), (python) =>
    pytest('Python package', python, path.join(root, 'python')),
  );
  await inVenv('guides', path.join(root, 'test/guides/requirements.txt'), (python) =>
    pytest('Guides', python, path.join(root, 'test/guides')),
  );
  await inVenv('servers', path.join(root, 'test/requirements.txt'), async (python) => {
    await pytest('Clients of the protocols', python, path.join(root, 'test/clients'));
    await pytest('The same bodies for MLflow and for Slipway', python, path.join(root, 'test/differential'));
    await pytest('A real MLflow registry', python, path.join(root, 'test/registry'));
    await vitest('The contract of registries on MLflow', ['--project', 'registry'], {
      MLFLOW_PYTHON: python,
    });
  });
  await inVenv('models', path.join(root, 'test/models/requirements.txt'), async (python) => {
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
  });
}

async function inVenv(name, requirements, suite) {
  const { python, reason } = await ensureVenv(name, requirements);
  if (python !== null) return suite(python);
  process.stdout.write(`SKIPPED the Python suite ${name}: ${reason}\n`);
  if (isCi) total.failed += 1;
  else total.skipped += 1;
}

async function pytest(title, python, folder) {
  process.stdout.write(`\n== ${title}\n`);
  const { code, output } = await run(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', folder], {
    quiet: true,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  });
  process.stdout.write(output);
  const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(output)?.[1] ?? 0);
  total.passed += count('passed');
  total.skipped += count('skipped');
  total.failed +=
    count('failed') + count('error') + (code !== 0 && count('failed') + count('error') === 0 ? 1 : 0);
}
