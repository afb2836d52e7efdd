import { describe, expect, it, vi } from 'vitest';
import {
  aField,
  aServedVersion,
  aSignature,
  aVersion,
  BINARY,
  FakeModel,
  FakeServingMeter,
  HandClock,
  settle,
} from '../../test/support/serving-fakes.ts';
import { logLine, type PredictionLine } from '../contracts/log-record.ts';
import { AppError } from '../kernel/errors.ts';
import { RowTable } from '../models/row-table.ts';
import type { PredictionLog } from './prediction-log/prediction-log.ts';
import type { Redact } from './prediction-log/redaction.ts';
import { Predictor, type RequestContext } from './predictor.ts';
import { createTarget } from './target.ts';

class FakePredictionLog implements PredictionLog {
  readonly lines: PredictionLine[] = [];
  failure: PredictionLog['failure'] = null;
  next: () => Promise<void> = () => Promise.resolve();

  append(line: string): Promise<void> {
    this.lines.push(logLine.parse(JSON.parse(line)) as PredictionLine);
    const written = this.next();
    written.catch(() => undefined);
    return written;
  }
}

const unwritable = async (): Promise<void> => {
  throw new AppError('LOG_UNWRITABLE', 'no space');
};

function setUp({
  onUnwritable = 'refuse',
  rejectedPerSecond = 50,
  redact = null,
  deadlineMs = 10_000,
  acceptsArray = false,
}: {
  onUnwritable?: 'refuse' | 'answer';
  rejectedPerSecond?: number;
  redact?: Redact | null;
  deadlineMs?: number;
  acceptsArray?: boolean;
} = {}) {
  const clock = new HandClock();
  clock.wall = Date.now();
  const log = new FakePredictionLog();
  const meter = new FakeServingMeter();
  const model = new FakeModel({ ...aSignature([aField('x')], BINARY), acceptsArray });
  model.answer = () => ({ prediction: 0, probabilities: [0.77, 0.23] });
  model.onRun = () => clock.advance(3);
  const served = aServedVersion(aVersion({ semver: '1.0.0' }), model, clock, { deadlineMs, maxQueueRows: 5 });
  const target = createTarget({
    endpoint: 'credit',
    revision: 1,
    served,
    meter,
    redact,
    statusOf: (error) => (error.code === 'INPUT_INVALID' ? 422 : 500),
  });
  const predictor = new Predictor({
    log,
    clock,
    meter,
    onUnwritable,
    rejectedPerSecond,
    maxRequestRows: 4,
    deadlineMs: 10_000,
  });
  const context = (): RequestContext => ({
    receivedAt: clock.elapsed(),
    rowTexts: null,
    traceId: 'f'.repeat(32),
    dialect: 'native',
    correlationId: 'order-7',
    routingKey: undefined,
    callerTime: undefined,
  });
  return { clock, log, meter, model, served, target, predictor, context };
}

describe('one row', () => {
  it('is answered with what its line says', async () => {
    const { predictor, target, context, log, meter, served } = setUp();
    const answer = await predictor.predict(target, { x: 1 }, context());
    expect(answer).toMatchObject({
      logged: true,
      rendered: { confidenceJson: '0.77', probabilityJson: '0.23' },
    });
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatchObject({
      'event.id': answer.id,
      'event.outcome': 'ok',
      model_version: '1.0.0',
      endpoint: 'credit',
      input: { x: 1 },
      prediction: 0,
      confidence: 0.77,
      probabilities: { 0: 0.77, 1: 0.23 },
      latency_ms: 3,
      status: 200,
      id: 'order-7',
    });
    expect(meter.outcomes).toEqual({ ok: 1 });
    expect(meter.inflightNow).toBe(0);
    expect(served.pinned).toBe(false);
  });

  it('is logged with the text that it was read from, and written anew where fields are redacted', async () => {
    const text = '{"x": 1.0}';
    const open = setUp();
    const append = vi.spyOn(open.log, 'append');
    await open.predictor.predict(open.target, { x: 1 }, { ...open.context(), rowTexts: [text] });
    expect(append.mock.lastCall?.[0]).toContain(`"input":${text},`);
    const rows = [{ x: 1 }, { x: 2 }];
    await open.predictor.predictBatch(open.target, rows, { ...open.context(), rowTexts: [null, text] });
    expect(append.mock.calls.map(([line]) => /"input":(\{[^}]*\})/.exec(line)?.[1])).toEqual([
      text,
      '{"x":1}',
      text,
    ]);
    const hidden = setUp({ redact: () => ({ x: 'hidden' }) });
    await hidden.predictor.predict(hidden.target, { x: 1 }, { ...hidden.context(), rowTexts: [text] });
    expect(hidden.log.lines[0]?.input).toEqual({ x: 'hidden' });
  });

  it('that came as a list is logged as the fields that it is', async () => {
    const { predictor, target, context, log } = setUp({ acceptsArray: true });
    await predictor.predict(target, [1], { ...context(), rowTexts: ['[1]'] });
    expect(log.lines[0]?.input).toEqual({ x: 1 });
  });

  it('is not answered before its line is in', async () => {
    const { predictor, target, context, log, served, meter } = setUp();
    let written: () => void = () => undefined;
    log.next = () =>
      new Promise((resolve) => {
        written = resolve;
      });
    let answered = false;
    const answer = predictor.predict(target, { x: 1 }, context()).then((given) => {
      answered = true;
      return given;
    });
    while (log.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await settle();
    expect(answered).toBe(false);
    expect(served.pinned).toBe(true);
    expect(meter.inflightNow).toBe(1);
    written();
    expect((await answer).logged).toBe(true);
    expect(served.pinned).toBe(false);
  });

  it('that does not fit is rejected with all its problems; the line has no input', async () => {
    const { predictor, target, context, log, meter, served, model } = setUp();
    await expect(predictor.predict(target, { y: 1 }, context())).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      problems: [{ path: 'x' }, { path: 'y' }],
    });
    expect(model.runs).toEqual([]);
    expect(log.lines[0]).toMatchObject({
      'event.outcome': 'rejected',
      'error.code': 'INPUT_INVALID',
      status: 422,
    });
    expect(log.lines[0]).not.toHaveProperty('input');
    expect(meter.outcomes).toEqual({ rejected: 1 });
    expect(served.pinned).toBe(false);
  });

  it('that the model fails on has a line with its input', async () => {
    const { predictor, target, context, log, meter, model, served } = setUp({
      redact: () => ({ x: 'hidden' }),
    });
    model.poison = 13;
    await expect(predictor.predict(target, { x: 13 }, context())).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
    });
    expect(log.lines[0]).toMatchObject({ 'event.outcome': 'failed', status: 500, input: { x: 'hidden' } });
    expect(meter.outcomes).toEqual({ failed: 1 });
    expect(served.pinned).toBe(false);
  });

  it('that waits too long is a timeout', async () => {
    const { predictor, target, context, log, meter, served } = setUp();
    served.batcher.run = async () => {
      throw new AppError('DEADLINE_EXCEEDED', 'late');
    };
    await expect(predictor.predict(target, { x: 1 }, context())).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    expect(log.lines[0]).toMatchObject({ 'event.outcome': 'timeout', 'error.code': 'DEADLINE_EXCEEDED' });
    expect(meter.outcomes).toEqual({ timeout: 1 });
    expect(served.pinned).toBe(false);
  });

  it('past the queue is rejected', async () => {
    const { predictor, target, context, meter, served } = setUp();
    served.batcher.run = async () => {
      throw new AppError('OVERLOADED', 'full', { retryAfterSeconds: 3 });
    };
    await expect(predictor.predict(target, { x: 1 }, context())).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryAfterSeconds: 3,
    });
    expect(meter.outcomes).toEqual({ rejected: 1 });
    expect(served.pinned).toBe(false);
  });
});

describe('a log that cannot be written', () => {
  it('refuses the answer', async () => {
    const { predictor, target, context, log, meter, served } = setUp();
    log.next = unwritable;
    await expect(predictor.predict(target, { x: 1 }, context())).rejects.toMatchObject({
      code: 'LOG_UNWRITABLE',
    });
    await expect(predictor.predictBatch(target, [{ x: 1 }], context())).rejects.toMatchObject({
      code: 'LOG_UNWRITABLE',
    });
    expect(meter.unloggedCount).toBe(2);
    expect(meter.inflightNow).toBe(0);
    expect(served.pinned).toBe(false);
  });

  it('answers loudly where the operator chose so', async () => {
    const { predictor, target, context, log, meter, served } = setUp({ onUnwritable: 'answer' });
    log.next = unwritable;
    expect(await predictor.predict(target, { x: 1 }, context())).toMatchObject({ logged: false });
    const answers = await predictor.predictBatch(target, [{ x: 1 }, { y: 1 }], context());
    expect(answers).toMatchObject([{ logged: false }, { code: 'INPUT_INVALID' }]);
    expect(meter.unloggedCount).toBe(2);
    expect(served.pinned).toBe(false);
  });
});

describe('a batch', () => {
  it.each(['OVERLOADED', 'DEADLINE_EXCEEDED'] as const)(
    'of which nothing was tried is %s as a whole',
    async (code) => {
      const { predictor, target, context, meter, served } = setUp();
      served.batcher.run = async () => {
        throw new AppError(code, 'not now', { retryAfterSeconds: 3 });
      };
      const rows = [{ x: 1 }, { y: 1 }, { x: 2 }];
      await expect(predictor.predictBatch(target, rows, context())).rejects.toMatchObject({
        code,
        retryAfterSeconds: 3,
      });
      expect(Object.values(meter.outcomes).reduce((sum, count) => sum + count, 0)).toBe(3);
      expect(served.pinned).toBe(false);
    },
  );

  it('answers each row in its place, with a line for each', async () => {
    const { predictor, target, context, log, model, meter } = setUp();
    model.poison = 13;
    const rows = [{ x: 1 }, { y: 1 }, { x: 13 }, { x: 2 }];
    const answers = await predictor.predictBatch(target, rows, context());
    expect(answers.map((answer) => (answer instanceof AppError ? answer.code : 'ok'))).toEqual([
      'ok',
      'INPUT_INVALID',
      'INFERENCE_FAILED',
      'ok',
    ]);
    expect((answers[1] as AppError).problems[0]?.path).toBe('instances[1].x');
    expect(log.lines.map((line) => line['event.outcome'])).toEqual(['rejected', 'ok', 'failed', 'ok']);
    expect(log.lines.map((line) => line.input)).toEqual([undefined, { x: 1 }, { x: 13 }, { x: 2 }]);
    expect(new Set(log.lines.map((line) => line['event.id'])).size).toBe(4);
    expect(meter.outcomes).toEqual({ ok: 2, rejected: 1, failed: 1 });
  });

  it('that runs out of time keeps the answers that it has', async () => {
    const { predictor, target, context, log, served, meter } = setUp();
    served.batcher.run = async (_, onOutputs) => {
      onOutputs(
        0,
        [0, 1].map(() => ({ prediction: 1, probabilities: [0.5, 0.5] })),
      );
      throw new AppError('DEADLINE_EXCEEDED', 'too late');
    };
    const seen: number[] = [];
    const rows = [{ x: 1 }, { y: 1 }, { x: 2 }, { x: 3 }];
    const answers = await predictor.predictBatch(target, rows, context(), (place) => seen.push(place));
    expect(answers.map((answer) => (answer instanceof AppError ? answer.code : 'ok'))).toEqual([
      'ok',
      'INPUT_INVALID',
      'ok',
      'DEADLINE_EXCEEDED',
    ]);
    expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3]));
    expect(log.lines).toHaveLength(4);
    expect(meter.outcomes).toEqual({ ok: 2, rejected: 1, timeout: 1 });
  });

  it('may be a table, whose rows are logged as they were written, or anew', async () => {
    const table = new RowTable([aField('x')], [Float64Array.of(1, 2)], 2);
    const { predictor, target, context, log, model } = setUp();
    const append = vi.spyOn(log, 'append');
    const texts = { ...context(), rowTexts: ['{"x": 1.0}', null] };
    const answers = await predictor.predictBatch(target, table, texts);
    expect(answers.map((answer) => !(answer instanceof AppError) && answer.output.prediction)).toEqual([
      0, 0,
    ]);
    expect(model.runs).toEqual([[{ x: 1 }, { x: 2 }]]);
    expect(append.mock.calls.map(([line]) => /"input":(\{[^}]*\})/.exec(line)?.[1])).toEqual([
      '{"x": 1.0}',
      '{"x":2}',
    ]);
    const hidden = setUp({ redact: ({ x }) => ({ x: `hidden ${x}` }) });
    await hidden.predictor.predictBatch(hidden.target, table, texts);
    expect(hidden.log.lines.map(({ input }) => input)).toEqual([{ x: 'hidden 1' }, { x: 'hidden 2' }]);
  });

  it('is bounded, and may be empty', async () => {
    const { predictor, target, context, log } = setUp();
    const five = Array.from({ length: 5 }, () => ({ x: 1 }));
    await expect(predictor.predictBatch(target, five, context())).rejects.toMatchObject({
      code: 'BODY_TOO_LARGE',
    });
    expect(await predictor.predictBatch(target, [], context())).toEqual([]);
    expect(log.lines).toEqual([]);
  });
});

describe('all rows or none', () => {
  it('answers each row', async () => {
    const { predictor, target, context, log } = setUp();
    const answers = await predictor.predictAll(target, [{ x: 1 }, { x: 2 }], context());
    expect(answers.map(({ output }) => output.prediction)).toEqual([0, 0]);
    expect(log.lines.map(({ input }) => input)).toEqual([{ x: 1 }, { x: 2 }]);
  });

  it('runs none when one does not fit, and says what is wrong with each', async () => {
    const { predictor, target, context, log, model } = setUp();
    const rows = [{ x: 1 }, { x: 'a' }, {}];
    await expect(predictor.predictAll(target, rows, context())).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      problems: [{ path: '[1].x' }, { path: '[2].x' }],
    });
    expect(model.runs).toEqual([]);
    expect(log.lines).toMatchObject([{ status: 422, 'error.code': 'INPUT_INVALID' }]);
  });

  it('fails as a whole when a run fails, with a line for each row', async () => {
    const { predictor, target, context, log, model } = setUp();
    model.poison = 2;
    await expect(predictor.predictAll(target, [{ x: 1 }, { x: 2 }], context())).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
    });
    expect(log.lines).toHaveLength(2);
  });

  it('takes one row as it is', async () => {
    const { predictor, target, context } = setUp();
    await expect(predictor.predictAll(target, [{ x: 'a' }], context())).rejects.toMatchObject({
      problems: [{ path: 'x' }],
    });
  });
});

describe('sampling of rejections', () => {
  it('bounds the lines of a second and counts every one', async () => {
    const { predictor, target, context, log, meter, clock } = setUp({ rejectedPerSecond: 3 });
    const reject = () => predictor.predict(target, {}, context()).catch(() => undefined);
    for (let i = 0; i < 10; i++) await reject();
    expect(log.lines).toHaveLength(3);
    clock.advance(1_000);
    for (let i = 0; i < 10; i++) await reject();
    expect(log.lines).toHaveLength(6);
    expect(meter.outcomes).toEqual({ rejected: 20 });
    await predictor.predict(target, { x: 1 }, context());
    expect(log.lines).toHaveLength(7);
  });

  it('writes none where none is wanted', async () => {
    const { predictor, target, context, log, meter } = setUp({ rejectedPerSecond: 0 });
    await predictor.predictBatch(target, [{}, { x: 1 }], context());
    expect(log.lines.map((line) => line['event.outcome'])).toEqual(['ok']);
    expect(meter.outcomes).toEqual({ rejected: 1, ok: 1 });
  });
});
