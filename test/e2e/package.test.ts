import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bytesOf,
  type InstalledPackage,
  installPackage,
  type Ran,
  run,
} from '../support/installed-package.ts';
import { fixture } from '../support/source-server.ts';

const ROW = { f0: 17.99, f1: 10.38, f2: 122.8, f3: 1001.0, f4: 0.12 };
let installed: InstalledPackage;

beforeAll(async () => {
  installed = await installPackage();
});
afterAll(() => installed?.remove());

const json = (ran: Ran): Record<string, never> & Record<string, unknown> => {
  if (ran.stdout === '') throw new Error(ran.stderr);
  return JSON.parse(ran.stdout);
};
const problem = (ran: Ran): { code: string; detail: string } =>
  (JSON.parse(ran.stderr) as { error: { code: string; detail: string } }).error;

describe('the package', () => {
  it('installs into less than 350 MB', async () => {
    const megabytes = (await bytesOf(path.join(installed.project, 'node_modules'))) / 1e6;
    console.log(`node_modules: ${megabytes.toFixed(1)} MB`);
    expect(megabytes).toBeLessThan(350);
  });

  it('holds neither sources nor tests', () => {
    const files = readdirSync(path.join(installed.project, 'node_modules/slipway'), {
      recursive: true,
      encoding: 'utf8',
    });
    expect(files.filter((file) => /(^|\/)(src|test)\/|\.ts$/.test(file))).toEqual([]);
  });

  it('runs with npx', async () => {
    const help = await run('npx', ['--no-install', 'slipway', '--help'], { cwd: installed.project });
    expect(help.code).toBe(0);
    for (const command of ['serve', 'init', 'doctor', 'models', 'logs', 'config'])
      expect(help.stdout).toContain(command);
    const { version } = JSON.parse(
      readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8'),
    );
    expect((await installed.slipway(installed.project, '--version')).stdout.trim()).toBe(version);
  });

  it('says which package a text model needs that was left out of the installation', async () => {
    const model = path.join(import.meta.dirname, '../text/fixtures/marian');
    const folder = mkdtempSync(path.join(installed.project, 'text-'));
    const refused = await installed.slipway(folder, 'models', 'register', model, '--json');
    expect(refused.code).toBe(2);
    expect(problem(refused)).toMatchObject({
      code: 'RUNTIME_MISSING',
      detail: expect.stringContaining('npm install @huggingface/tokenizers'),
    });
  });

  it('says what is wrong with a call, and exits with 2', async () => {
    for (const args of [
      ['serv'],
      ['serve', '--prot'],
      ['serve', 'x.onnx', '--port', 'abc'],
      ['models', 'show'],
    ]) {
      const { code, stderr } = await installed.slipway(installed.project, ...args);
      expect(code, args.join(' ')).toBe(2);
      expect(stderr).not.toBe('');
      expect(stderr).not.toContain(' at ');
    }
  });
});

describe('serve, predict, logs', () => {
  it('a file, from nothing to the ingested record', async () => {
    const folder = await installed.newFolder('serve');
    copyFileSync(fixture('xgboost-binary'), path.join(folder, 'risk.onnx'));
    const server = await installed.serve(folder, './risk.onnx');
    const answer = await server.post('/predict', { features: ROW, id: 'order-7' });
    expect(answer).toMatchObject({ status: 200, json: { prediction: 0, model: 'risk', model_version: '1' } });
    await server.post('/predict', { f0: 'bad' });
    expect(await server.terminate()).toBe(0);

    const id = String(answer.json['prediction_id']);
    const byId = await installed.slipway(folder, 'logs', 'query', '--id', id, '--json');
    expect(json(byId)).toMatchObject({ 'event.id': id, id: 'order-7', input: ROW, prediction: 0 });
    const own = await installed.slipway(folder, 'logs', 'query', '--correlation-id', 'order-7', '--json');
    expect(json(own)['event.id']).toBe(id);
    const csv = (await installed.slipway(folder, 'logs', 'query', '--csv')).stdout.trim().split('\n');
    expect(csv[0]).toMatch(/^@timestamp,event\.id,event\.outcome,status/);
    expect(csv).toHaveLength(3);
    const rejected = await installed.slipway(folder, 'logs', 'query', '--outcome', 'rejected', '--json');
    expect(json(rejected)).toMatchObject({ status: 422, 'error.code': 'INPUT_INVALID' });
    expect((await installed.slipway(folder, 'logs', 'query', '--id', 'nothing')).stdout).toBe('');

    const tail = async (...args: string[]) =>
      (await installed.slipway(folder, 'logs', 'tail', '--no-follow', '--json', ...args)).stdout
        .split('\n')
        .slice(0, -1);
    expect((await tail()).map((line) => JSON.parse(line)['event.action'])).toEqual([
      'segment.opened',
      'prediction',
      'prediction',
      'segment.closed',
    ]);
    expect(await tail('-n', '1')).toHaveLength(1);
    expect(await tail('-n', '0')).toEqual([]);
  });

  it('serves a directory that is named without ./', async () => {
    const folder = await installed.newFolder('directory');
    await installed.newFolder('directory/saved');
    const from = path.resolve(import.meta.dirname, '../models/fixtures/mlflow-dir/model');
    for (const name of ['MLmodel', 'model.onnx'])
      copyFileSync(path.join(from, name), path.join(folder, 'saved', name));
    const server = await installed.serve(folder, 'saved');
    expect((await server.post('/predict', { city: 'Oslo', plan: 'plus' })).status).toBe(200);
    expect(await server.terminate()).toBe(0);
  });
});

describe('a new project', () => {
  it('has init, config check and doctor', async () => {
    const folder = await installed.newFolder('project');
    copyFileSync(fixture('xgboost-binary'), path.join(folder, 'risk.onnx'));
    expect((await installed.slipway(folder, 'init', 'risk.onnx')).code).toBe(0);
    expect((await installed.slipway(folder, 'init')).code).toBe(2);
    const check = await installed.slipway(folder, 'config', 'check', '--json');
    expect(json(check)).toEqual({ ok: true, endpoints: 1, default_endpoint: 'default' });
    const doctor = await installed.slipway(folder, 'doctor', '--json');
    expect(doctor.code).toBe(0);
    expect(json(doctor)).toMatchObject({ ok: true, checks: expect.any(Array) });
    writeFileSync(path.join(folder, 'slipway.yaml'), 'serverr: {}\nserver: {port: x}\n');
    const wrong = await installed.slipway(folder, 'config', 'check');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('serverr');
    expect(wrong.stderr).toContain('server.port');
  });
});

describe('models', () => {
  let folder: string;
  const models = (...args: string[]) => installed.slipway(folder, 'models', ...args, '--json');

  beforeAll(async () => {
    folder = await installed.newFolder('models');
    writeFileSync(path.join(folder, 'rows.jsonl'), `${JSON.stringify(ROW)}\n`);
  });

  function artifact(digest: unknown, file: string): string {
    const registry = path.join(folder, '.slipway/registry');
    const found = readdirSync(registry, { recursive: true, encoding: 'utf8' }).find(
      (name) => name.includes(String(digest).slice('sha256:'.length, 20)) && name.endsWith(file),
    );
    if (found === undefined) throw new Error(`no ${file} of ${digest}`);
    return path.join(registry, found);
  }

  it('registers, once for one content', async () => {
    const args = ['register', fixture('xgboost-binary'), '--name', 'risk', '--semver', '1.0.0'];
    expect(json(await models(...args))).toMatchObject({
      created: true,
      model: 'risk',
      number: 1,
      version: '1.0.0',
    });
    expect(json(await models(...args))).toMatchObject({ created: false, number: 1 });
    const second = await models(
      'register',
      fixture('xgboost-binary'),
      '--name',
      'risk',
      '--examples',
      'rows.jsonl',
    );
    expect(json(second)).toMatchObject({ created: true, number: 2, version: '2' });
  });

  it('lists, shows, promotes, aliases, archives, verifies', async () => {
    expect(json(await models('list'))).toMatchObject([
      { name: 'risk', versions: [{ number: 2 }, { number: 1 }] },
    ]);
    expect(json(await models('promote', 'risk/1'))).toMatchObject({
      stage: 'Production',
      promoted_to: 'production',
    });
    expect(json(await models('show', 'risk@production'))).toMatchObject({
      number: 1,
      aliases: ['production'],
    });
    expect((await models('alias', 'risk/2', 'champion')).code).toBe(0);
    expect(json(await models('show', 'risk@champion'))).toMatchObject({ number: 2 });
    expect(json(await models('alias', 'risk', 'champion', '--remove'))).toMatchObject({ removed: true });
    expect((await models('show', 'risk@champion')).code).toBe(3);
    expect((await models('show', 'nothing')).code).toBe(3);
    expect(json(await models('verify', 'risk/2'))).toMatchObject({ verified: true, golden_examples: 1 });
    expect(json(await models('archive', 'risk/2'))).toMatchObject({ stage: 'Archived' });
    expect(json(await models('archive', 'risk/2', '--restore'))).toMatchObject({ archived_at: null });
  });

  it.each(['promote', 'alias'])('%s gives an archived version no alias', async (command) => {
    await models('archive', 'risk/2');
    const ran = await models(command, 'risk/2', ...(command === 'alias' ? ['late'] : []));
    await models('archive', 'risk/2', '--restore');
    expect(ran.code).not.toBe(0);
  });

  it.each(['model.onnx', 'golden.json', 'signature.json'])(
    'refuses a version whose %s was changed, by name',
    async (file) => {
      const version = json(await models('show', 'risk')) as unknown as { digest: string; number: number };
      const at = artifact(version.digest, file);
      copyFileSync(at, `${folder}/kept`);
      appendFileSync(at, ' ');
      const refused = await models('verify', `risk/${version.number}`);
      const promoted = await models('promote', `risk/${version.number}`, '--to', 'staging');
      renameSync(`${folder}/kept`, at);
      for (const ran of [refused, promoted]) {
        expect(ran.code).toBe(2);
        expect(problem(ran)).toMatchObject({
          code: 'DIGEST_MISMATCH',
          detail: expect.stringContaining(file),
        });
      }
      expect((await models('verify', `risk/${version.number}`)).code).toBe(0);
    },
  );

  it('refuses golden examples that do not hold, and a signature that the graph does not have', async () => {
    const source = await installed.newFolder('models/source');
    copyFileSync(fixture('xgboost-binary'), path.join(source, 'model.onnx'));
    writeFileSync(path.join(source, 'MLmodel'), 'flavors:\n  onnx:\n    data: model.onnx\n');
    writeFileSync(
      path.join(source, 'golden.json'),
      JSON.stringify([{ input: ROW, output: { prediction: 1 } }]),
    );
    const golden = await models('register', source, '--name', 'other');
    expect(golden.code).toBe(2);
    expect(problem(golden)).toMatchObject({
      code: 'GOLDEN_MISMATCH',
      detail: 'Golden example 1 does not hold: it answered 1 and now answers 0',
    });
    writeFileSync(path.join(source, 'golden.json'), '[]');
    const columns = JSON.stringify(['a', 'b'].map((name) => ({ name, type: 'double' })));
    writeFileSync(
      path.join(source, 'MLmodel'),
      `flavors:\n  onnx:\n    data: model.onnx\nsignature:\n  inputs: '${columns}'\n`,
    );
    const signature = await models('register', source, '--name', 'other');
    expect(signature.code).toBe(2);
    expect(problem(signature).code).toBe('SIGNATURE_MISMATCH');
    expect(existsSync(path.join(folder, '.slipway/registry/other'))).toBe(false);
  });

  it('names the missing file of a model that is none', async () => {
    const ran = await models('register', './nothing.onnx');
    expect(ran.code).toBe(2);
    expect(problem(ran)).toMatchObject({
      code: 'MODEL_UNREADABLE',
      detail: expect.stringContaining('nothing.onnx'),
    });
  });
});
