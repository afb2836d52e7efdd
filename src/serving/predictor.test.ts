import { beforeEach, describe, expect, it } from 'vitest';
import { logLine } from '../contracts/log-record.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { ModelVersion } from '../models/model-version.ts';
import type { InputRecord } from '../models/record-check.ts';
import type { LoadedModel, RowOutput } from '../models/runtimes/runtime.ts';
import { Batcher } from './batcher.ts';
import type { PredictionLog } from './prediction-log/prediction-log.ts';
import { Predictor, type RequestContext } from './predictor.ts';
import { ServedVersion } from './served-version.ts';
import type { ServingMeter } from './serving-meter.ts';
import { createTarget, type Target } from './target.ts';

const clock: Clock = { now: () => 1_700_000_000_000, elapsed: () => 5 };
const context: RequestContext = {
  receivedAt: 1,
  traceId: 'a'.repeat(32),
  dialect: 'native',
  correlationId: 'mine "1"',
  routingKey: undefined,
  callerTime: undefined,
};

/** Says `yes` with probability x; fails on 0.13. */
const model: LoadedModel = {
  maxRows: 100,
  signature: {
    acceptsArray: false,
    fields: [{ name: 'x', type: 'float64', shape: [], required: true, nullable: false }],
    output: { task: 'classification', labels: ['no', 'yes'], hasProbabilities: true, positive: 'yes' },
  },
  async run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    if (rows.some((row) => row['x'] === 0.13)) throw new AppError('INFERENCE_FAILED', 'unlucky');
    return rows.map((row) => {
      const x = Number(row['x']);
      return { prediction: x >= 0.5 ? 'yes' : 'no', probabilities: [1 - x, x] };
    });
  },
  async release() {},
};
const version = { model: 'm', number: 3, semver: '1.2.0' } as ModelVersion;

let lines: string[];
let counted: Record<string, number>;
let settle: { resolve: () => void; reject: (error: AppError) => void };
let held: boolean;
let served: ServedVersion;
let target: Target;

const log: PredictionLog = {
  failure: null,
  append(line) {
    lines.push(line);
    return held ? new Promise((resolve, reject) => (settle = { resolve, reject })) : Promise.resolve();
  },
};
const meter: ServingMeter = {
  target: () => ({
    queue: { observe: () => undefined },
    inference: { observe: () => undefined },
    count(outcome) {
      counted[outcome] = (counted[outcome] ?? 0) + 1;
    },
  }),
  inflight: () => undefined,
  unlogged: () => undefined,
  run: () => undefined,
};

function predictorWith(
  options: { onUnwritable?: 'refuse' | 'answer'; rejectedPerSecond?: number } = {},
): Predictor {
  return new Predictor({
    log,
    clock,
    meter,
    onUnwritable: 'refuse',
    rejectedPerSecond: 50,
    maxRequestRows: 100,
    ...options,
  });
}

const parsed = () => lines.map((line) => logLine.parse(JSON.parse(line)));

beforeEach(() => {
  lines = [];
  counted = {};
  held = false;
  const batcher = new Batcher(
    model,
    { maxBatchRows: 8, maxQueueRows: 100, deadlineMs: 1_000 },
    clock,
    () => undefined,
  );
  served = new ServedVersion(version, model, batcher, null, 0);
  target = createTarget({
    endpoint: 'e',
    revision: 1,
    served,
    meter,
    redact: (row) => row,
    statusOf: () => 422,
  });
});

async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('log before answer', () => {
  it('answers only when the line is in the log', async () => {
    held = true;
    let answered = false;
    const answer = predictorWith()
      .predict(target, { x: 0.9 }, context)
      .then((given) => {
        answered = true;
        return given;
      });
    await turns();
    expect({ lines: lines.length, answered, pinned: served.pinned }).toEqual({
      lines: 1,
      answered: false,
      pinned: true,
    });
    settle.resolve();
    const { id, rendered, logged } = await answer;
    expect({ logged, pinned: served.pinned }).toEqual({ logged: true, pinned: false });
    expect(rendered).toEqual({
      predictionJson: '"yes"',
      probabilitiesJson: `{"no":${1 - 0.9},"yes":0.9}`,
      confidence: 0.9,
      probability: 0.9,
    });
    expect(parsed()).toEqual([
      expect.objectContaining({
        'event.id': id,
        'event.outcome': 'ok',
        model: 'm',
        model_version: '1.2.0',
        endpoint: 'e',
        input: { x: 0.9 },
        prediction: 'yes',
        confidence: 0.9,
        status: 200,
        id: 'mine "1"',
        'trace.id': context.traceId,
      }),
    ]);
  });

  it('refuses when the line cannot be written', async () => {
    held = true;
    const answer = predictorWith().predict(target, { x: 0.9 }, context);
    const refused = expect(answer).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' });
    await turns();
    settle.reject(new AppError('LOG_UNWRITABLE', 'full'));
    await refused;
    expect(served.pinned).toBe(false);
  });

  it('answers unlogged, and says so, when the operator chose that', async () => {
    held = true;
    const answer = predictorWith({ onUnwritable: 'answer' }).predict(target, { x: 0.9 }, context);
    await turns();
    settle.reject(new AppError('LOG_UNWRITABLE', 'full'));
    expect((await answer).logged).toBe(false);
  });
});

describe('what goes wrong', () => {
  it('is counted exactly, and lines of rejections are bounded', async () => {
    const predictor = predictorWith({ rejectedPerSecond: 3 });
    const refusals = Array.from({ length: 10 }, () =>
      predictor.predict(target, { x: 'a' }, context).catch((error: AppError) => error.code),
    );
    expect(await Promise.all(refusals)).toEqual(Array.from({ length: 10 }, () => 'INPUT_INVALID'));
    expect(counted).toEqual({ rejected: 10 });
    expect(parsed()).toHaveLength(3);
    expect(parsed()[0]).not.toHaveProperty('input');
    expect(served.pinned).toBe(false);
  });

  it("of one row of a batch is that row's alone", async () => {
    const answers = await predictorWith().predictBatch(
      target,
      [{ x: 0.9 }, { x: 'a' }, { x: 0.13 }, { x: 0.1 }],
      context,
    );
    const shown = answers.map((answer) =>
      answer instanceof AppError ? answer.code : answer.rendered.predictionJson,
    );
    expect(shown).toEqual(['"yes"', 'INPUT_INVALID', 'INFERENCE_FAILED', '"no"']);
    expect(counted).toEqual({ ok: 2, rejected: 1, failed: 1 });
    expect(parsed().map((line) => ('event.outcome' in line ? line['event.outcome'] : ''))).toEqual([
      'ok',
      'rejected',
      'failed',
      'ok',
    ]);
    expect((answers[1] as AppError).problems[0]?.path).toBe('instances[1].x');
  });
});
