import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ask,
  isAlive,
  KeptLog,
  loadPython,
  mustEnd,
  pythonArtifact,
  pythonRuntime,
  soon,
} from '../../../../test/support/python-model.ts';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import type { AppError } from '../../../kernel/errors.ts';
import type { RuntimeModel } from '../runtime.ts';

/** Does what the row says; answers with the number of the process where that is possible. */
const OBEDIENT = `
import mmap, os, signal, socket, subprocess, sys, threading, time

facts = {"inputs": [{"name": "do", "type": "string", "required": True}]}
kept = []

def channel():
    import gc
    gc.unfreeze()
    return next(held for held in gc.get_objects() if isinstance(held, socket.socket))

def act(order):
    if order == "hang":
        print("hanging", file=sys.stderr)
        time.sleep(600)
    if order == "spin":
        while True: pass
    if order == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if order == "segfault":
        import ctypes
        ctypes.string_at(0)
    if order == "exit": os._exit(7)
    if order == "sys.exit": sys.exit(9)
    if order == "raise": raise ValueError("no such colour: <secret>")
    if order == "strange":
        class Strange(Exception):
            def __str__(self): raise RuntimeError("no text")
        raise Strange
    if order == "recurse": return act(order)
    if order == "close": channel().close()
    if order == "shutdown":
        channel().shutdown(socket.SHUT_RDWR)
        time.sleep(600)
    if order == "garbage":
        channel().sendall(b"\\xff" * 100)
        time.sleep(600)
    if order == "chatter": channel().sendall((2).to_bytes(4, "little") + bytes(4) + b"{}")
    if order == "foreign":
        text = b'{"type":"result","id":99999,"prediction":{"values":[1]},"probabilities":null}'
        channel().sendall(len(text).to_bytes(4, "little") + bytes(4) + text)
        time.sleep(600)
    if order == "beyond":
        text = b'{"type":"result","id":1,"prediction":{"offset":0,"bytes":80},"probabilities":null}'
        channel().sendall(len(text).to_bytes(4, "little") + bytes(4) + text)
        time.sleep(600)
    if order == "print":
        print("the model prints " + "x" * 1_000_000)
        print("to stderr " + "y" * 1_000_000, file=sys.stderr)
        for i in range(2_000): print("line", i)
        os.write(1, b"\\xff\\x00 no text\\n")
    if order == "leak":
        for _ in range(1_000): kept.append(bytearray(1 << 20))
    if order == "map":
        for _ in range(40):
            kept.append(mmap.mmap(-1, 16 << 20))
            kept[-1].write(b"x" * (16 << 20))
            time.sleep(0.01)
    if order == "much": return len(bytearray(1 << 40))
    if order == "fork":
        child = os.fork()
        if child == 0: time.sleep(600)
        return child
    if order == "fork twice":
        return os.fork() or -1
    if order == "session":
        child = os.fork()
        if child == 0:
            os.setsid()
            time.sleep(600)
        return child
    if order == "subprocess": return subprocess.Popen(["sleep", "600"]).pid
    if order == "thread":
        threading.Thread(target=time.sleep, args=(600,)).start()
    if order == "object": return object()
    if order == "nan": return float("nan")
    return os.getpid()

def predict(columns, params):
    orders = columns.arrays["do"]
    if orders[0] == "few": return Output([1] * (len(orders) - 1) if len(orders) > 1 else [])
    if orders[0] == "many": return Output([1] * (len(orders) + 1))
    return Output([act(order) for order in orders])
`;

async function fails(model: RuntimeModel, order: string): Promise<AppError> {
  return (await ask(model, { do: order }).then(
    (answer) => {
      throw new Error(`"${order}" was answered: ${JSON.stringify(answer)}`);
    },
    (error: unknown) => error,
  )) as AppError;
}

/** The number of the process, which answers. */
async function pidOf(model: RuntimeModel): Promise<number> {
  return mustEnd(await ask(model, { do: 'pid' }));
}

const log = new KeptLog();

describe('a worker that ends under a run', () => {
  let model: RuntimeModel;
  const pids: number[] = [];
  beforeAll(async () => {
    model = await pythonRuntime(log).load(pythonArtifact(OBEDIENT));
  });
  afterAll(async () => {
    await model.release();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it.each([
    ['kill', /^worker ended by SIGKILL/],
    ['segfault', /^worker ended by SIGSEGV$/],
    ['exit', /^worker ended with exit code 7$/],
    ['sys.exit', /^worker ended with exit code 9$/],
    ['close', /^worker ended with exit code 1$/],
    ['shutdown', /^worker killed: it closed its connection$/],
    ['garbage', /^worker killed: a frame of 4294967295 \+ 4294967295 bytes is too large$/],
    ['chatter', /^worker killed: an answer to run \d+ was expected$/],
    ['foreign', /^worker killed: an answer to run \d+ was expected$/],
  ])('by "%s" loses that run, and the next is answered by another', async (order, reason) => {
    const before = (await ask(model, { do: 'pid' })) as number;
    const error = await fails(model, order);
    expect([error.code, error.message]).toEqual(['WORKER_LOST', expect.stringMatching(reason)]);
    const after = (await ask(model, { do: 'pid' })) as number;
    expect([after === before, isAlive(before)]).toEqual([false, false]);
    pids.push(before, after);
    await soon(() => expect(model.health?.()).toEqual({ status: 'ok', reason: null }));
  });

  it('because its answer is not what it says loses that run too', async () => {
    const own = await loadPython(OBEDIENT);
    expect(await fails(own, 'beyond')).toMatchObject({
      code: 'WORKER_LOST',
      message: 'the worker was killed: a result names bytes that it does not have',
    });
    await pidOf(own);
  });

  it('tells why it was lost until another is there', async () => {
    const model = await loadPython(OBEDIENT);
    const before = await pidOf(model);
    await fails(model, 'exit');
    expect(model.health?.()).toEqual({ status: 'degraded', reason: 'worker ended with exit code 7' });
    expect(await pidOf(model)).not.toBe(before);
  });

  it('loses no run of another worker', async () => {
    const model = await loadPython(OBEDIENT, { workers: 2 });
    expect(model.lanes).toBe(2);
    const answers = await Promise.allSettled(
      ['exit', 'pid', 'pid', 'exit', 'pid', 'pid'].map((order) => ask(model, { do: order })),
    );
    expect(answers.map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    for (const answer of answers) if (answer.status === 'fulfilled') mustEnd(answer.value);
  });
});

describe('a deadline', () => {
  it.each(['hang', 'spin'])('ends a worker that does "%s"', async (order) => {
    const model = await loadPython(OBEDIENT, { deadlineMs: 2_000 });
    const stuck = await pidOf(model);
    const error = await fails(model, order);
    expect([error.code, error.message]).toEqual([
      'DEADLINE_EXCEEDED',
      'worker killed: no answer within 2000 ms',
    ]);
    await soon(() => expect(isAlive(stuck)).toBe(false));
    expect(await pidOf(model)).not.toBe(stuck);
  });
});

describe('a memory limit', () => {
  const memoryBytes = 200 * 1024 * 1024;

  it('meets a leak with MemoryError, and a worker that has none left is replaced', async () => {
    const model = await loadPython(OBEDIENT, { memoryBytes });
    const before = await pidOf(model);
    const error = await fails(model, 'leak');
    expect([error.code, error.message]).toEqual(['INFERENCE_FAILED', expect.stringContaining('MemoryError')]);
    expect(model.health?.().reason).toBe('worker killed: the model used up its 200 MB (MemoryError)');
    expect(await pidOf(model)).not.toBe(before);
  });

  it('leaves a worker alone that asked for too much once', async () => {
    const model = await loadPython(OBEDIENT, { memoryBytes });
    const before = await pidOf(model);
    expect((await fails(model, 'much')).code).toBe('INFERENCE_FAILED');
    expect(await pidOf(model)).toBe(before);
  });

  it('ends a worker whose memory grows by other ways', async () => {
    const model = await loadPython(OBEDIENT, { memoryBytes });
    const error = await fails(model, 'map');
    expect([error.code, error.message]).toEqual([
      'WORKER_LOST',
      expect.stringMatching(/^worker killed: used 2\d\d MB of 200 MB$/),
    ]);
    await pidOf(model);
  });
});

describe('what a model answers wrongly', () => {
  let model: RuntimeModel;
  beforeAll(async () => {
    model = await pythonRuntime(log).load(pythonArtifact(OBEDIENT));
  });
  afterAll(() => model.release());

  it.each([
    ['raise', 'Python: ValueError: no such colour: <secret>'],
    ['strange', 'Python: Strange: (no message)'],
    ['recurse', 'Python: RecursionError'],
    ['object', 'Python: TypeError: Object of type object is not JSON serializable'],
    ['nan', 'Python: ValueError: Out of range float values are not JSON compliant'],
    ['few', 'the model answered 0 predictions for 1 rows'],
    ['many', 'the model answered 2 predictions for 1 rows'],
  ])('fails the run by "%s" and costs no worker', async (order, message) => {
    const before = await ask(model, { do: 'pid' });
    const error = await fails(model, order);
    expect([error.code, error.message]).toEqual(['INFERENCE_FAILED', expect.stringContaining(message)]);
    expect(await ask(model, { do: 'pid' })).toBe(before);
  });

  it('has the traceback as its cause, for the log', async () => {
    const error = await fails(model, 'raise');
    expect((error.cause as Error).stack).toMatch(
      /^Traceback \(most recent call last\):[\s\S]*model\.py", line \d+, in act/,
    );
  });
});

describe('what a model prints', () => {
  it('goes to the log, cut and counted, and never into the protocol', async () => {
    const model = await loadPython(OBEDIENT, { log });
    const pid = await pidOf(model);
    expect(await ask(model, { do: 'print' })).toBe(pid);
    await soon(() =>
      expect(log.messages).toContainEqual(
        expect.stringMatching(/^to stderr y{4086}… \(995914 characters more\)$/),
      ),
    );
    const printed = log.lines.find(({ message }) => message.startsWith('the model prints'));
    expect(printed).toMatchObject({
      level: 'info',
      fields: {
        'slipway.version': 'model.py (new)',
        'slipway.worker.pid': pid,
        'slipway.worker.stream': 'stdout',
      },
    });
    expect(log.lines.filter(({ message }) => /^line \d+$/.test(message)).length).toBeLessThan(300);
    await model.release();
    expect(log.messages).toContainEqual(
      expect.stringMatching(/^\d+ lines were dropped: the model prints too much$/),
    );
  });
});

describe('what a model starts', () => {
  it.each(['fork', 'session', 'subprocess'])('by "%s" ends with its worker', async (order) => {
    const model = await loadPython(OBEDIENT);
    const child = mustEnd(await ask(model, { do: order }));
    expect(isAlive(child)).toBe(true);
    await pidOf(model);
    await fails(model, 'exit');
    await soon(() => expect(isAlive(child)).toBe(false));
    await pidOf(model);
  });

  it('is no second answer', async () => {
    const model = await loadPython(OBEDIENT);
    const before = await pidOf(model);
    mustEnd(await ask(model, { do: 'fork twice' }));
    expect(await pidOf(model)).toBe(before);
  });

  it('does not hold up the release', async () => {
    const model = await loadPython(OBEDIENT, { stopGraceMs: 100 });
    const pid = mustEnd(await ask(model, { do: 'thread' }));
    await model.release();
    expect(isAlive(pid)).toBe(false);
  });
});

describe('workers', () => {
  it('run at the same time', async () => {
    const meeting = `
import os, sys, time
facts = {"inputs": [{"name": "own", "type": "string", "required": True}, {"name": "other", "type": "string", "required": True}]}
def predict(columns, params):
    [own], [other] = columns.arrays["own"], columns.arrays["other"]
    open(own, "w").close()
    while not os.path.exists(other): time.sleep(0.005)
    return Output([os.getpid()])
`;
    const model = await loadPython(meeting, { workers: 2 });
    const folder = temporaryFolder('meeting');
    const [a, b] = ['a', 'b'].map((name) => path.join(folder, name));
    const pids = await Promise.all([ask(model, { own: a, other: b }), ask(model, { own: b, other: a })]);
    expect(new Set(pids.map(mustEnd)).size).toBe(2);
  });
});
