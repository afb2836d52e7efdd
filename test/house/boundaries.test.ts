import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

interface Report {
  readonly modules: readonly { source: string }[];
  readonly summary: {
    readonly violations: readonly { from: string; rule: { name: string } }[];
  };
}

const PLANTED = [
  [
    'kernel/planted.ts',
    "import { statusOf } from '../http/status.ts';\nexport const planted = statusOf;\n",
    'kernel-imports-one-way',
  ],
  [
    'serving/planted-library.ts',
    "import { pino } from 'pino';\nexport const planted = pino;\n",
    'domains-know-no-adapter-library',
  ],
  [
    'http/planted.ts',
    "import { openStore } from '../storage/open-store.ts';\nexport const planted = openStore;\n",
    'http-imports-one-way',
  ],
  [
    'serving/planted-adapter.ts',
    "import { OnnxRuntime } from '../models/runtimes/onnx/onnx-runtime.ts';\nexport const planted = OnnxRuntime;\n",
    'only-composition-builds-adapters',
  ],
] as const;

/** A copy of the tree with all that is planted, which is looked at once: that takes seconds. */
describe('the gate of imports', () => {
  const copy = mkdtempSync(path.join(tmpdir(), 'slipway-boundaries-'));
  let report: Report;

  beforeAll(() => {
    for (const name of ['src', 'tsconfig.json', '.dependency-cruiser.cjs', 'package.json'])
      cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
    for (const [file, text] of PLANTED) writeFileSync(path.join(copy, 'src', file), text);
    const { stdout } = spawnSync(
      path.join(root, 'node_modules/.bin/depcruise'),
      ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'],
      { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    report = JSON.parse(stdout) as Report;
  }, 60_000);
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  it('looks at every module', () => {
    const sources = execFileSync('find', ['src', '-name', '*.ts', '-not', '-name', '*.test.ts'], {
      cwd: copy,
      encoding: 'utf8',
    });
    const seen = report.modules.map(({ source }) => source);
    expect(seen).toEqual(expect.arrayContaining(sources.trim().split('\n')));
  });

  it.each(PLANTED)('bites on %s', (file, _, rule) => {
    const broken = report.summary.violations.filter(({ from }) => from === `src/${file}`);
    expect(broken.map((violation) => violation.rule.name)).toContain(rule);
  });
});
