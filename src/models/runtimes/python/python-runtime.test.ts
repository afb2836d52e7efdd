import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import {
  ask,
  isAlive,
  KeptLog,
  loadPython,
  mustEnd,
  pythonArtifact,
  pythonRuntime,
  soon,
  testPackage,
} from '../../../../test/support/python-model.ts';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import type { AppError } from '../../../kernel/errors.ts';
import type { DeclaredInput } from '../runtime.ts';

const PID = 'import os\ndef predict(columns, params): return Output([os.getpid()] * columns.rows)';

async function refusal(source: string, options: Parameters<typeof pythonRuntime>[1] = {}): Promise<AppError> {
  const folder = temporaryFolder('refused');
  const runtime = pythonRuntime(new KeptLog(), { ...options, temporaryDirectory: folder });
  const error = await runtime.load(pythonArtifact(source)).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(readdirSync(folder)).toEqual([]);
  return error as AppError;
}

function column(name: string, type: string, required = true): DeclaredInput {
  return { name, type, required, shape: null };
}

describe('a load', () => {
  it.each([
    ['a package that is missing', 'import nowhere', 'ENVIRONMENT_INCOMPLETE', /: nowhere is missing$/],
    [
      'packages that the model names',
      'raise MissingPackages([{"package":"scikit-learn","wanted":"1.5.0","found":"1.4.2"},{"package":"x","wanted":"2","found":None}])',
      'ENVIRONMENT_INCOMPLETE',
      /: scikit-learn 1\.5\.0 is needed, 1\.4\.2 is installed, x 2 is missing$/,
    ],
    [
      'a file that is no model',
      'raise ModelUnreadable("no model: a cat")',
      'MODEL_UNREADABLE',
      /^no model: a cat$/,
    ],
    ['an exception', 'raise ValueError("bad magic")', 'MODEL_UNREADABLE', /^ValueError: bad magic$/],
    ['a syntax error', 'def', 'MODEL_UNREADABLE', /^SyntaxError: /],
    [
      'an end',
      'import sys\nprint("I was", file=sys.stderr)\nsys.exit(3)',
      'MODEL_UNREADABLE',
      /^Python did not load the model: worker ended with exit code 3 while loading: I was$/,
    ],
    [
      'a hard end',
      'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)',
      'MODEL_UNREADABLE',
      /worker ended by SIGKILL, perhaps by the kernel for want of memory$/,
    ],
    [
      'facts that are none',
      'facts = {"task": "poetry"}\npredict = None',
      'MODEL_UNREADABLE',
      /worker killed: message "loaded": facts\.task /,
    ],
    [
      'nothing of what it takes',
      'facts = {"width": None}\npredict = None',
      'MODEL_UNSUPPORTED',
      /^The model \(test\) does not tell what it takes: save it with a signature/,
    ],
  ])('refuses %s', async (_what, source, code, message) => {
    const error = await refusal(source);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  it('refuses a model that takes too long, and one that takes too much memory', async () => {
    const slow = await refusal('import time\ntime.sleep(600)', { startTimeoutMs: 1_000 });
    expect(slow.message).toMatch(/worker killed: not ready after 1000 ms \(loading\)$/);
    const large = await refusal('kept = [bytearray(1 << 20) for _ in range(1000)]', {
      memoryBytes: 200 << 20,
    });
    expect(large.message).toBe('MemoryError: ');
  });

  it('refuses where there is no such Python', async () => {
    const error = await refusal(PID, { interpreterFor: async () => ({ python: '/nowhere/python3' }) });
    expect([error.code, error.message]).toEqual([
      'ENVIRONMENT_INCOMPLETE',
      '/nowhere/python3 cannot be started: spawn /nowhere/python3 ENOENT: set python.interpreter',
    ]);
  });

  it('refuses files that would be written elsewhere', async () => {
    const folder = temporaryFolder('outside');
    const artifact = pythonArtifact(PID);
    const files = new Map([...artifact.files, ['../../outside.txt', Buffer.from('x')]]);
    const runtime = pythonRuntime(new KeptLog(), { temporaryDirectory: path.join(folder) });
    await expect(runtime.load({ ...artifact, files })).rejects.toMatchObject({
      code: 'MODEL_UNREADABLE',
      message: 'The artifact has a file outside of itself: ../../outside.txt',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('hands the model its declaration and its files', async () => {
    const source =
      'import os\ndef predict(columns, params): return Output([[declared, os.getcwd(), open("notes/a.txt").read()]])';
    const artifact = pythonArtifact(source, { inputs: [column('age', 'long')] });
    const files = new Map([...artifact.files, ['notes/a.txt', Buffer.from('seen')]]);
    const folder = temporaryFolder('files');
    const model = await pythonRuntime(new KeptLog(), { temporaryDirectory: folder }).load({
      ...artifact,
      files,
    });
    const [answer] = await model.run([{ age: 1 }]);
    const [declared, directory, content] = (answer?.prediction ?? []) as [object, string, string];
    expect([declared, content]).toEqual([artifact.declared, 'seen']);
    expect(statSync(path.dirname(directory)).mode & 0o777).toBe(0o700);
    await model.release();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a worker', () => {
  it('has nothing of the server in its environment but what it needs', async () => {
    const source = 'import os\ndef predict(columns, params): return Output([dict(os.environ)])';
    const model = await loadPython(source, {
      serverVariables: {
        PATH: process.env['PATH'],
        LC_NUMERIC: 'C',
        OMP_NUM_THREADS: '2',
        SLIPWAY_API_KEY: 'secret',
        MLFLOW_TRACKING_TOKEN: 'secret',
        AWS_SECRET_ACCESS_KEY: 'secret',
        DATABASE_URL: 'secret',
        PYTHONSTARTUP: 'secret',
        LD_PRELOAD: 'secret',
      },
      interpreterFor: async () => ({ python: 'python3', variables: { VIRTUAL_ENV: '/some/env' } }),
    });
    const variables = (await ask(model)) as Record<string, string>;
    expect(JSON.stringify(variables)).not.toContain('secret');
    expect(variables).toMatchObject({
      LC_NUMERIC: 'C',
      OMP_NUM_THREADS: '2',
      MKL_NUM_THREADS: '1',
      VIRTUAL_ENV: '/some/env',
    });
  });

  it('imports nothing that lies beside a model', async () => {
    const source = 'import json\ndef predict(columns, params): return Output([json.__file__])';
    const artifact = pythonArtifact(source);
    const files = new Map([...artifact.files, ['json.py', Buffer.from('raise SystemExit(5)')]]);
    const model = await pythonRuntime(new KeptLog()).load({ ...artifact, files });
    expect(await ask(model)).toMatch(/json\/__init__\.py$/);
    await model.release();
  });

  it('leaves no core file, gains no privileges and leads its own group', async () => {
    const source = `
import os, resource
def predict(columns, params):
    status = open("/proc/self/status").read()
    return Output([[resource.getrlimit(resource.RLIMIT_CORE), "NoNewPrivs:\\t1" in status, os.getpid(), os.getpgid(0)]])`;
    const [core, confined, pid, group] = (await ask(await loadPython(source))) as unknown[];
    expect([core, confined, group]).toEqual([[0, 0], true, mustEnd(pid)]);
  });
});

describe('a server that is killed', () => {
  it('takes its workers and what they forked with it, and the next removes its files', async () => {
    const folder = temporaryFolder('killed');
    const outfile = path.join(folder, 'server.mjs');
    await build({
      entryPoints: [path.resolve(import.meta.dirname, '../../../../test/support/python-server-child.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
    });
    const files = path.join(folder, 'files');
    mkdirSync(files);
    const server = spawn(process.execPath, [outfile, testPackage(), files]);
    const [pids] = (await once(server.stdout, 'data')) as [Buffer];
    const [worker, child] = (JSON.parse(String(pids)) as unknown[]).map(mustEnd) as [number, number];
    expect([isAlive(worker), isAlive(child), readdirSync(files).length]).toEqual([true, true, 1]);
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
    await soon(() => expect([isAlive(worker), isAlive(child)]).toEqual([false, false]));
    const model = await pythonRuntime(new KeptLog(), { temporaryDirectory: files }).load(pythonArtifact(PID));
    expect(readdirSync(files)).toEqual([expect.stringContaining(`-${process.pid}-`)]);
    await model.release();
  });
});

describe('rows', () => {
  it('come as columns and go as values, in order', async () => {
    const source = `
def predict(columns, params):
    return Output([[repr(columns.arrays[name][row]) for name in columns.names] for row in range(columns.rows)])`;
    const model = await loadPython(source, {
      declared: {
        inputs: [
          column('a', 'long'),
          column('b', 'double', false),
          column('c', 'string'),
          column('d', 'boolean'),
        ],
      },
    });
    const rows = [
      { a: 1, b: 0.1, c: 'é\u{1f6a2}', d: true },
      { a: -(2 ** 53) + 1, c: '', d: false },
    ];
    const answers = await model.run(rows);
    expect(answers.map(({ prediction }) => prediction)).toEqual([
      ['1', '0.1', "'é\u{1f6a2}'", 'True'],
      ['-9007199254740991', 'nan', "''", 'False'],
    ]);
  });

  it('of different parameters are different runs', async () => {
    const source = 'def predict(columns, params): return Output([[params, columns.rows]] * columns.rows)';
    const param = { name: 'beams', type: 'long', default: 2, shape: null };
    const model = await loadPython(source, {
      declared: { inputs: [column('a', 'double')], params: [param] },
    });
    expect(model.signature.fields[1]).toEqual({
      name: 'beams',
      type: 'int64',
      shape: [],
      required: false,
      nullable: false,
      param: { default: 2 },
    });
    const answers = await model.run([{ a: 1 }, { a: 2, beams: 5 }, { a: 3, beams: 2 }]);
    expect(answers.map(({ prediction }) => prediction)).toEqual([
      [{ beams: 2 }, 2],
      [{ beams: 5 }, 1],
      [{ beams: 2 }, 2],
    ]);
  });

  it('that lie ready as numbers are taken before the call returns', async () => {
    const source = `
facts = {"width": 2}
def predict(columns, params): return Output([list(pair) for pair in zip(columns.arrays["f0"], columns.arrays["f1"])])`;
    const model = await loadPython(source);
    const vectors = new Float32Array([1, 2, 3, 4.5]);
    const answers = model.runVectors(vectors, 2);
    vectors.fill(0);
    expect((await answers).map(({ prediction }) => prediction)).toEqual([
      [1, 2],
      [3, 4.5],
    ]);
  });

  it('of many megabytes come through whole', async () => {
    const source = `
facts = {"inputs": [{"name": "text", "type": "string", "required": True}]}
def predict(columns, params): return Output([text[::-1] for text in columns.arrays["text"]])`;
    const model = await loadPython(source);
    const text = `${'ab'.repeat(5_000_000)}c`;
    expect(await ask(model, { text })).toBe(`c${'ba'.repeat(5_000_000)}`);
  });
});

describe('what a server left', () => {
  it('that ended without a chance to is removed with the first load of the next', async () => {
    const folder = temporaryFolder('abandoned');
    const model = await pythonRuntime(new KeptLog(), { temporaryDirectory: folder }).load(
      pythonArtifact(PID),
    );
    const [own] = readdirSync(folder) as [string];
    const ended = own.replace(`-${process.pid}-`, '-4194304-');
    const other = own.replace(/^slipway-python-\d+-/, 'slipway-python-1-');
    for (const name of [ended, other, 'slipway-python-of-somebody'])
      writeFileSync(path.join(folder, name), 'left');
    const next = await pythonRuntime(new KeptLog(), { temporaryDirectory: folder }).load(pythonArtifact(PID));
    const left = readdirSync(folder);
    expect(left).toEqual(expect.arrayContaining([own, other, 'slipway-python-of-somebody']));
    expect(left).not.toContain(ended);
    await Promise.all([model.release(), next.release()]);
  });
});

describe('restarts', () => {
  it('stop being waited for when they fail, go on, and end in service', async () => {
    const folder = temporaryFolder('restarts');
    const broken = path.join(folder, 'broken');
    const source = `
import os
if os.path.exists(${JSON.stringify(broken)}): raise ValueError("broken meanwhile")
facts = {"inputs": [{"name": "do", "type": "string", "required": True}]}
def predict(columns, params):
    if columns.arrays["do"] == ["exit"]: os._exit(1)
    return Output([os.getpid()])`;
    const model = await loadPython(source, { deadlineMs: 300_000 });
    writeFileSync(broken, '');
    await expect(ask(model, { do: 'exit' })).rejects.toMatchObject({ code: 'WORKER_LOST' });
    await expect(ask(model, { do: 'pid' })).rejects.toMatchObject({
      code: 'NOT_READY',
      message: expect.stringContaining('(ValueError: broken meanwhile)'),
      retryAfterSeconds: expect.any(Number),
    });
    expect(model.health?.()).toEqual({ status: 'down', reason: 'ValueError: broken meanwhile' });
    rmSync(broken);
    await soon(() => expect(model.health?.()).toEqual({ status: 'ok', reason: null }));
    mustEnd(await ask(model, { do: 'pid' }));
  });

  it('are waited for as long as a run may take', async () => {
    const held = path.join(temporaryFolder('held'), 'held');
    const source = `
import os, time
while os.path.exists(${JSON.stringify(held)}): time.sleep(0.01)
facts = {"width": 1}
def predict(columns, params): return Output([os.getpid()])`;
    const model = await loadPython(source, { deadlineMs: 2_000 });
    const pid = mustEnd(await ask(model));
    writeFileSync(held, '');
    process.kill(pid, 'SIGKILL');
    await soon(() => expect(model.health?.().status).toBe('degraded'));
    await expect(ask(model)).rejects.toMatchObject({
      code: 'NOT_READY',
      message: expect.stringMatching(/^No worker of this model is ready \(worker ended by SIGKILL/),
    });
    const waiting = ask(model);
    rmSync(held);
    expect(mustEnd(await waiting)).not.toBe(pid);
  });

  it('are no more once the model is released', async () => {
    const model = await loadPython(PID);
    const pid = mustEnd(await ask(model));
    process.kill(pid, 'SIGKILL');
    await model.release();
    await expect(ask(model)).rejects.toMatchObject({ code: 'NOT_READY' });
    expect(isAlive(pid)).toBe(false);
  });

  it('follow an end while nobody asks', async () => {
    const model = await loadPython(PID);
    const pid = mustEnd(await ask(model));
    process.kill(pid, 'SIGKILL');
    await soon(() => expect(model.health?.().status).toBe('degraded'));
    await soon(() => expect(model.health?.().status).toBe('ok'));
    expect(mustEnd(await ask(model))).not.toBe(pid);
  });
});
