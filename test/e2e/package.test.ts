import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/server.ts';

/** The package as a user gets it: packed, installed in an empty project, run by its own name. */
const MODEL = path.join(root, 'examples/sales-quantity/model');
const MAX_INSTALL_MB = 350;

let project: string;

beforeAll(() => {
  project = mkdtempSync(path.join(tmpdir(), 'slipway-package-'));
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  const [{ filename }] = Array.isArray(packed) ? packed : (Object.values(packed) as { filename: string }[]);
  writeFileSync(path.join(project, 'package.json'), '{"private": true}');
  writeFileSync(path.join(project, '.npmrc'), 'onnxruntime-node-install=skip\n');
  const args = ['install', '--no-audit', '--no-fund', '--omit=dev', '--omit=optional', `./${filename}`];
  execFileSync('npm', args, { cwd: project, stdio: 'ignore' });
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

function slipway(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(path.join(project, 'node_modules/.bin/slipway'), args, {
    cwd: project,
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

function json(...args: string[]) {
  const { out, err } = slipway(...args, '--json');
  expect(err).toBe('');
  return JSON.parse(out);
}

function megabytesOf(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true })) {
    const found = lstatSync(path.join(folder, String(name)));
    if (found.isFile()) bytes += found.size;
  }
  return bytes / 1e6;
}

describe('the installed package', () => {
  it(`takes less than ${MAX_INSTALL_MB} MB`, () => {
    const size = megabytesOf(path.join(project, 'node_modules'));
    console.log(`production install: ${size.toFixed(1)} MB`);
    expect(size).toBeLessThan(MAX_INSTALL_MB);
  });

  it('every command has help with an example', () => {
    const commands = [
      ['serve'],
      ['init'],
      ['doctor'],
      ['config', 'show'],
      ['config', 'check'],
      ['config', 'docs'],
      ['logs', 'tail'],
      ['logs', 'query'],
    ];
    for (const name of ['register', 'list', 'show', 'promote', 'alias', 'archive', 'verify'])
      commands.push(['models', name]);
    for (const command of commands) {
      const { code, out } = slipway(...command, '--help');
      expect({ command, code }).toEqual({ command, code: 0 });
      expect(out).toMatch(/Example:\n {2}\$ /);
    }
  });

  it('writes a configuration that holds, and finds the machine fit', () => {
    expect(slipway('init').code).toBe(0);
    expect(slipway('init').code).toBe(2);
    expect(json('config', 'check')).toMatchObject({ ok: true });
    expect(json('doctor').checks.map((check: { name: string }) => check.name)).toContain('onnxruntime');
  });

  it('lists every mistake of a configuration at once', () => {
    writeFileSync(
      path.join(project, 'bad.yaml'),
      'server:\n  port: high\n  hots: x\nserving:\n  deadline_ms: -1\n',
    );
    const { code, err } = slipway('config', 'check', '-c', 'bad.yaml');
    expect(code).toBe(2);
    for (const name of ['server.port', 'server.hots', 'serving.deadline_ms']) expect(err).toContain(name);
  });
});

describe('the registry', () => {
  it('registers once, promotes, aliases, archives and verifies', () => {
    const first = json('models', 'register', MODEL);
    expect(first).toMatchObject({
      created: true,
      model: 'sales-quantity-classifier',
      number: 1,
      version: '1.0.0',
      stage: 'None',
    });
    expect(json('models', 'register', MODEL)).toMatchObject({ created: false, number: 1 });
    const name = 'sales-quantity-classifier';
    expect(json('models', 'verify', `${name}/1`)).toMatchObject({
      verified: true,
      golden_examples: expect.any(Number),
    });
    expect(json('models', 'promote', `${name}/1`)).toMatchObject({ promoted_to: 'production' });
    expect(json('models', 'show', `models:/${name}/Production`)).toMatchObject({
      number: 1,
      stage: 'Production',
      aliases: ['production'],
    });
    expect(json('models', 'alias', `${name}/1`, 'champion')).toMatchObject({ alias: 'champion' });
    expect(json('models', 'archive', `${name}/1`)).toMatchObject({ stage: 'Archived', aliases: [] });
    expect(json('models', 'archive', `${name}/1`, '--restore')).toMatchObject({ stage: 'None' });
    expect(json('models', 'list')).toHaveLength(1);
    expect(slipway('models', 'show', 'nobody').code).toBe(3);
  });

  it.each([
    ['model.onnx', 'DIGEST_MISMATCH'],
    ['slipway/golden.json', 'DIGEST_MISMATCH'],
    ['slipway/signature.json', 'DIGEST_MISMATCH'],
  ])('refuses a version whose %s was changed, and names it', (file, code) => {
    const registry = path.join(project, '.slipway/registry/sales-quantity-classifier');
    const target = path.join(registry, readdirSync(registry)[0] as string, file);
    const original = readFileSync(target);
    const changed = Buffer.from(original);
    changed[changed.length - 5] = (changed.at(-5) as number) ^ 1;
    writeFileSync(target, changed);
    const refused = slipway('models', 'verify', 'sales-quantity-classifier/1', '--json');
    writeFileSync(target, original);
    expect(JSON.parse(refused.err).error).toMatchObject({ code, detail: expect.stringContaining(file) });
    expect(refused.code).toBe(2);
  });

  it('does not register a model whose golden example does not hold', () => {
    const copy = path.join(project, 'changed');
    execFileSync('cp', ['-r', MODEL, copy]);
    const golden = JSON.parse(readFileSync(path.join(copy, 'golden.json'), 'utf8'));
    golden[0].output.probabilities[0] += 0.001;
    writeFileSync(path.join(copy, 'golden.json'), JSON.stringify(golden));
    const { code, err } = slipway('models', 'register', copy, '--json');
    expect(code).toBe(2);
    expect(JSON.parse(err).error.code).toBe('GOLDEN_MISMATCH');
    expect(json('models', 'list')[0].versions).toHaveLength(1);
  });
});
