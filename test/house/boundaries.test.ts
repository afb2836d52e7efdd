import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const depcruise = path.join(root, 'node_modules/.bin/depcruise');

interface Report {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly { rule: { name: string } }[];
  };
}

function cruise(folder: string): Report {
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'];
  const { stdout } = spawnSync(depcruise, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 });
  return JSON.parse(stdout) as Report;
}

describe('the gate of imports', () => {
  const copy = mkdtempSync(path.join(tmpdir(), 'slipway-boundaries-'));
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  it('looks at every module', () => {
    const sources = execFileSync('find', ['src', '-name', '*.ts', '-not', '-name', '*.test.ts'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(cruise(root).summary.totalCruised).toBeGreaterThanOrEqual(sources.trim().split('\n').length);
  });

  it.each([
    [
      'kernel/planted.ts',
      "import { statusOf } from '../http/status.ts';\nexport const planted = statusOf;\n",
      'kernel-imports-one-way',
    ],
    [
      'serving/planted.ts',
      "import { pino } from 'pino';\nexport const planted = pino;\n",
      'domains-know-no-adapter-library',
    ],
    [
      'http/planted.ts',
      "import { openStore } from '../storage/open-store.ts';\nexport const planted = openStore;\n",
      'http-imports-one-way',
    ],
    [
      'serving/planted.ts',
      "import { OnnxRuntime } from '../models/runtimes/onnx/onnx-runtime.ts';\nexport const planted = OnnxRuntime;\n",
      'only-composition-builds-adapters',
    ],
  ])('bites on %s', (file, text, rule) => {
    for (const name of ['src', 'tsconfig.json', '.dependency-cruiser.cjs', 'package.json'])
      cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
    if (!cpLinked) symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
    cpLinked = true;
    const planted = path.join(copy, 'src', file);
    writeFileSync(planted, text);
    const names = cruise(copy).summary.violations.map((violation) => violation.rule.name);
    rmSync(planted);
    expect(names).toContain(rule);
  });
});

let cpLinked = false;
