import { afterEach, describe, expect, it, vi } from 'vitest';
import { aField, FakeModel, HandClock, nextTurn, settle } from '../../test/support/serving-fakes.ts';
import { AppError } from '../kernel/errors.ts';
import { type Rows, RowTable } from '../models/row-table.ts';
import type { RowOutput } from '../models/runtimes/runtime.ts';
import { Batcher, type BatcherOptions } from './batcher.ts';

afterEach(() => {
  vi.useRealTimers();
});

function setUp(options: Partial<BatcherOptions> = {}, model = new FakeModel()) {
  const clock = new HandClock();
  const ran: [number, number][] = [];
  const batcher = new Batcher(
    model,
    { maxBatchRows: 256, maxQueueRows: 1_000, deadlineMs: 10_000, ...options },
    clock,
    (rows, elapsedMs) => ran.push([rows, elapsedMs]),
  );
  return { batcher, clock, model, ran };
}

const rows = (...xs: number[]) => xs.map((x) => ({ x }));
/** Runs a job and answers with what was handed on, and in how many pieces. */
async function collect(batcher: Batcher, ofRows: Rows) {
  const outputs = new Array<RowOutput | AppError>(ofRows.length);
  const pieces: number[] = [];
  const times = await batcher.run(ofRows, (from, some) => {
    pieces.push(some.length);
    some.forEach((output, i) => {
      outputs[from + i] = output;
    });
  });
  return { ...times, outputs, pieces };
}
const answers = ({ outputs }: { readonly outputs: readonly (RowOutput | AppError)[] }): unknown[] =>
  outputs.map((output) => (output instanceof AppError ? output.code : (output as RowOutput).prediction));
const sizes = (model: FakeModel): number[] => model.runs.map((run) => run.length);

const tableOf = (...xs: number[]) => new RowTable([aField('x')], [Float64Array.from(xs)], xs.length);

describe('rows in columns', () => {
  function withTables() {
    const model = Object.assign(new FakeModel(), {
      tables: [] as number[][],
      async runTable(table: RowTable) {
        model.tables.push(table.records().map(({ x }) => x as number));
        return table.records().map((row) => model.answer(row));
      },
    });
    return { ...setUp({ maxBatchRows: 4 }, model), model };
  }

  it('stay in columns, cut and put together', async () => {
    const { batcher, model } = withTables();
    const jobs = [tableOf(1, 2, 3, 4, 5, 6), tableOf(7), tableOf(8, 9)];
    const all = await Promise.all(jobs.map((table) => collect(batcher, table)));
    expect(all.map(answers)).toEqual([[2, 4, 6, 8, 10, 12], [14], [16, 18]]);
    expect(model.tables).toEqual([[1, 2, 3, 4], [5, 6, 7, 8], [9]]);
    expect(model.runs).toEqual([]);
  });

  it('become records beside records', async () => {
    const { batcher, model } = withTables();
    const all = await Promise.all([collect(batcher, rows(1)), collect(batcher, tableOf(2, 3))]);
    expect(all.map(answers)).toEqual([[2], [4, 6]]);
    expect(model.runs).toEqual([rows(1, 2, 3)]);
  });

  it('are halved when they fail, so that one row fails alone', async () => {
    const { batcher, model } = withTables();
    const run = model.runTable;
    model.runTable = async (table) => {
      if (table.records().some(({ x }) => x === 2)) throw new Error('poisoned run');
      return run(table);
    };
    expect(answers(await collect(batcher, tableOf(1, 2, 3)))).toEqual([2, 'INFERENCE_FAILED', 6]);
  });
});

describe('what goes together', () => {
  it('is what came in one turn; each caller gets its own rows', async () => {
    const { batcher, model, ran } = setUp();
    const all = await Promise.all([
      collect(batcher, rows(1)),
      collect(batcher, rows(2, 3)),
      Promise.resolve().then(() => collect(batcher, rows(4))),
    ]);
    expect(all.map(answers)).toEqual([[2], [4, 6], [8]]);
    expect(sizes(model)).toEqual([4]);
    expect(ran).toEqual([[4, 0]]);
  });

  it('is what came during a run', async () => {
    const { batcher, model } = setUp();
    const open = model.hold();
    const first = collect(batcher, rows(1));
    await model.begun();
    const second = collect(batcher, rows(2));
    await nextTurn();
    const third = collect(batcher, rows(3));
    expect(sizes(model)).toEqual([1]);
    expect(batcher.queuedRows).toBe(2);
    open();
    expect((await Promise.all([first, second, third])).map(answers)).toEqual([[2], [4], [6]]);
    expect(sizes(model)).toEqual([1, 2]);
    expect(batcher.queuedRows).toBe(0);
  });

  it('is at most maxBatchRows: a larger job is split and answered whole', async () => {
    const { batcher, model } = setUp({ maxBatchRows: 4 });
    const xs = Array.from({ length: 10 }, (_, x) => x);
    const [large, small] = await Promise.all([collect(batcher, rows(...xs)), collect(batcher, rows(50, 51))]);
    expect(answers(large as Awaited<ReturnType<typeof collect>>)).toEqual(xs.map((x) => x * 2));
    expect(answers(small as Awaited<ReturnType<typeof collect>>)).toEqual([100, 102]);
    expect(sizes(model)).toEqual([4, 4, 4]);
  });

  it('is one row where the graph fixes its batch axis', async () => {
    const { batcher, model } = setUp({}, new FakeModel(undefined, 1));
    expect(answers(await collect(batcher, rows(1, 2, 3)))).toEqual([2, 4, 6]);
    expect(sizes(model)).toEqual([1, 1, 1]);
  });

  it('measures waiting and running', async () => {
    const { batcher, clock, model, ran } = setUp();
    const open = model.hold();
    model.onRun = () => clock.advance(7);
    const first = collect(batcher, rows(1));
    await model.begun();
    const second = collect(batcher, rows(2));
    clock.advance(5);
    open();
    expect(await first).toMatchObject({ queueMs: 0, inferenceMs: 12 });
    expect(await second).toMatchObject({ queueMs: 12, inferenceMs: 7 });
    expect(ran).toEqual([
      [1, 12],
      [1, 7],
    ]);
  });
});

describe('a row that the model cannot take', () => {
  it('fails alone', async () => {
    const { batcher, model } = setUp();
    model.poison = 13;
    const all = await Promise.all([
      collect(batcher, rows(1, 2)),
      collect(batcher, rows(13)),
      collect(batcher, rows(3, 13, 4)),
    ]);
    expect(all.map(answers)).toEqual([[2, 4], ['INFERENCE_FAILED'], [6, 'INFERENCE_FAILED', 8]]);
  });

  it('keeps the cause, and the next run goes on', async () => {
    const { batcher, model } = setUp();
    model.poison = 13;
    const { outputs } = await collect(batcher, rows(13));
    expect((outputs[0] as AppError).cause).toMatchObject({ message: 'poisoned run' });
    expect(answers(await collect(batcher, rows(1)))).toEqual([2]);
  });

  it('is told when the model answers too few rows', async () => {
    const { batcher, model } = setUp();
    model.run = async () => [{ prediction: 1, probabilities: null }];
    expect(answers(await collect(batcher, rows(1, 2)))).toEqual([1, 'INFERENCE_FAILED']);
  });
});

describe('a process that dies under a run', () => {
  it('costs no other request than the one that kills it', async () => {
    const { batcher, model } = setUp();
    model.poison = 13;
    model.failure = () => new AppError('WORKER_LOST', 'gone');
    const all = await Promise.all([
      collect(batcher, rows(1, 2)),
      collect(batcher, rows(13)),
      collect(batcher, rows(3)),
    ]);
    expect(all.map(answers)).toEqual([[2, 4], ['WORKER_LOST'], [6]]);
    expect(sizes(model)).toEqual([4, 2, 1, 1]);
  });

  it('is not tried again where that is not safe', async () => {
    const { batcher, model } = setUp({ retryLost: false });
    model.poison = 13;
    model.failure = () => new AppError('WORKER_LOST', 'gone');
    const all = await Promise.all([collect(batcher, rows(1)), collect(batcher, rows(13))]);
    expect(all.map(answers)).toEqual([['WORKER_LOST'], ['WORKER_LOST']]);
  });

  it('does not have a run halved that took too long', async () => {
    const { batcher, model } = setUp();
    model.poison = 13;
    model.failure = () => new AppError('DEADLINE_EXCEEDED', 'too slow');
    expect(answers(await collect(batcher, rows(1, 13)))).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
    expect(sizes(model)).toEqual([2]);
  });
});

describe('bounds', () => {
  it('refuses rows past maxQueueRows at once, and takes rows again after', async () => {
    const { batcher, model } = setUp({ maxQueueRows: 3 });
    const open = model.hold();
    const first = collect(batcher, rows(0));
    await model.begun();
    const waiting = collect(batcher, rows(1, 2));
    await expect(collect(batcher, rows(3, 4))).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryAfterSeconds: 1,
    });
    const fits = collect(batcher, rows(5));
    open();
    expect((await Promise.all([first, waiting, fits])).map(answers)).toEqual([[0], [2, 4], [10]]);
    expect(answers(await collect(batcher, rows(6, 7, 8, 9)))).toEqual([12, 14, 16, 18]);
  });

  it('refuses when those before it would take longer than the deadline', async () => {
    const { batcher, clock, model } = setUp({ deadlineMs: 100 });
    model.onRun = () => clock.advance(60);
    await collect(batcher, rows(0));
    const open = model.hold();
    const first = collect(batcher, rows(1));
    await model.begun();
    const waiting = collect(batcher, rows(2, 3));
    await expect(collect(batcher, rows(4))).rejects.toMatchObject({ code: 'OVERLOADED' });
    open();
    await Promise.all([first, waiting]);
  });
});

describe('the deadline', () => {
  it('answers those that still wait, and gives their place to others', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { batcher, clock, model } = setUp({ deadlineMs: 100, maxQueueRows: 2 });
    const open = model.hold();
    const running = collect(batcher, rows(1)).catch((error: AppError) => error.code);
    await model.begun();
    clock.advance(40);
    vi.advanceTimersByTime(40);
    const waiting = collect(batcher, rows(2)).catch((error: AppError) => error.code);
    clock.advance(60);
    vi.advanceTimersByTime(60);
    clock.advance(40);
    vi.advanceTimersByTime(40);
    expect(await waiting).toBe('DEADLINE_EXCEEDED');
    open();
    await running;
    await batcher.whenIdle();
    expect(sizes(model)).toEqual([1]);
    expect(batcher.queuedRows).toBe(0);
    expect(answers(await collect(batcher, rows(3, 4)))).toEqual([6, 8]);
  });

  it('holds for a run that takes too long as well', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { batcher, clock, model } = setUp({ deadlineMs: 100 });
    const open = model.hold();
    let code = 'none yet';
    collect(batcher, rows(1)).catch((error: AppError) => {
      code = error.code;
    });
    await model.begun();
    clock.advance(101);
    vi.advanceTimersByTime(101);
    await settle();
    expect(code).toBe('DEADLINE_EXCEEDED');
    open();
    await batcher.whenIdle();
  });

  it('does not come for what was answered in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { batcher, clock } = setUp({ deadlineMs: 100 });
    expect(answers(await collect(batcher, rows(1)))).toEqual([2]);
    clock.advance(500);
    vi.advanceTimersByTime(500);
    expect(answers(await collect(batcher, rows(2)))).toEqual([4]);
  });
});

describe('whenIdle', () => {
  it('resolves at once when nothing is to do', async () => {
    await setUp().batcher.whenIdle();
  });

  it('waits for what runs and what waits', async () => {
    const { batcher, model } = setUp();
    const open = model.hold();
    void collect(batcher, rows(1));
    await model.begun();
    void collect(batcher, rows(2));
    let idle = false;
    const done = batcher.whenIdle().then(() => {
      idle = true;
    });
    await nextTurn();
    expect(idle).toBe(false);
    open();
    await done;
    expect(sizes(model)).toEqual([1, 1]);
  });
});

describe('lanes', () => {
  function threaded(helper: FakeModel | null = null, options: Partial<BatcherOptions> = {}) {
    const clock = new HandClock();
    const model = new FakeModel();
    model.lanes = 2;
    const batching = { maxBatchRows: 2, maxQueueRows: 1_000, deadlineMs: 10_000, ...options };
    return { clock, model, batcher: new Batcher(model, batching, clock, () => undefined, helper) };
  }

  it('run beside each other, and each piece is handed on when it is there', async () => {
    const { batcher, model } = threaded();
    const open = model.hold();
    const job = collect(batcher, rows(1, 2, 3, 4, 5));
    await nextTurn();
    expect(sizes(model)).toEqual([2, 2]);
    open();
    const { outputs, pieces } = await job;
    expect(answers({ outputs })).toEqual([2, 4, 6, 8, 10]);
    expect(pieces).toEqual([2, 2, 1]);
    await batcher.whenIdle();
  });

  it('take a job that comes while another lane is at work', async () => {
    const { batcher, model } = threaded();
    const open = model.hold();
    const first = collect(batcher, rows(1));
    await nextTurn();
    const second = collect(batcher, rows(2));
    await nextTurn();
    expect(sizes(model)).toEqual([1, 1]);
    open();
    expect([...answers(await first), ...answers(await second)]).toEqual([2, 4]);
  });

  it('get help from the calling thread for a caller who is alone, in any order', async () => {
    const helper = new FakeModel();
    const { batcher, model } = threaded(helper);
    const open = model.hold();
    const job = collect(batcher, rows(1, 2, 3, 4, 5, 6));
    await helper.begun();
    await settle();
    open();
    expect(answers(await job)).toEqual([2, 4, 6, 8, 10, 12]);
    expect(sizes(helper)).toEqual([2]);
  });

  it('have their next rows before the answers of the last are handed on', async () => {
    const { batcher, model } = threaded(null);
    const begun: number[] = [];
    await batcher.run(rows(1, 2, 3, 4, 5, 6), () => begun.push(model.runs.length));
    expect(begun).toEqual([3, 3, 3]);
  });

  it('get no help with several callers, nor for runs that take long', async () => {
    const helper = new FakeModel();
    const shared = threaded(helper);
    const jobs = [collect(shared.batcher, rows(1, 2, 3, 4, 5)), collect(shared.batcher, rows(6))];
    await Promise.all(jobs);
    const slow = threaded(helper);
    slow.model.onRun = () => slow.clock.advance(50);
    await collect(slow.batcher, rows(1));
    await collect(slow.batcher, rows(1, 2, 3, 4, 5, 6));
    expect(helper.runs).toEqual([]);
  });

  it('hand on nothing of a job that ran out of time, and keep what was handed on before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { batcher, model, clock } = threaded(null, { deadlineMs: 100 });
    const seen: number[] = [];
    let open = (): void => undefined;
    model.onRun = () => {
      model.onRun = () => undefined;
      open = model.hold();
    };
    const job = batcher.run(rows(1, 2, 3, 4, 5), (from, outputs) => seen.push(from, outputs.length));
    job.catch(() => undefined);
    await model.begun();
    await settle();
    await nextTurn();
    await nextTurn();
    const before = [...seen];
    clock.advance(200);
    vi.advanceTimersByTime(200);
    await expect(job).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    open();
    await batcher.whenIdle();
    expect(seen).toEqual(before);
    expect(before.length).toBeGreaterThan(0);
  });
});
