import type { Outcome } from '../contracts/log-record.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError, type FieldProblem, messageOf } from '../kernel/errors.ts';
import { timeOfUuidV7, uuidV7 } from '../kernel/ids.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import type { InputRecord } from '../models/record-check.ts';
import type { RowOutput } from '../models/runtimes/runtime.ts';
import type { LineContext } from './prediction-log/lines.ts';
import { predictionLine } from './prediction-log/lines.ts';
import type { PredictionLog } from './prediction-log/prediction-log.ts';
import type { RenderedOutput } from './render.ts';
import { rowOf } from './row.ts';
import type { ServingMeter } from './serving-meter.ts';
import type { Target } from './target.ts';

/** What a dialect says of one request. */
export interface RequestContext extends LineContext {
  /** `clock.elapsed()` when the body was parsed. */
  readonly receivedAt: number;
}

/** One answered row. */
export interface Answer {
  readonly id: string;
  readonly rendered: RenderedOutput;
  /** False only when the log cannot be written and the operator chose to answer all the same. */
  readonly logged: boolean;
}

interface PredictorDependencies {
  readonly log: PredictionLog;
  readonly clock: Clock;
  readonly meter: ServingMeter;
  readonly onUnwritable: 'refuse' | 'answer';
  /** Rejected requests a second that get a line; all are counted. */
  readonly rejectedPerSecond: number;
  /** Rows of one request at the most. */
  readonly maxRequestRows: number;
}

/**
 * The way of every prediction, whatever dialect it came in: check, queue and run, log, answer. A row is answered only
 * after its line is in the log.
 */
export class Predictor {
  readonly #deps: PredictorDependencies;
  readonly #rejections: RateGate;

  constructor(deps: PredictorDependencies) {
    this.#deps = deps;
    this.#rejections = new RateGate(deps.rejectedPerSecond, deps.clock);
  }

  /** Answers one row, or fails with INPUT_INVALID, OVERLOADED, DEADLINE_EXCEEDED, INFERENCE_FAILED, LOG_UNWRITABLE. */
  async predict(target: Target, row: JsonValue, context: RequestContext): Promise<Answer> {
    const [answer] = await this.#run(target, [rowOf(target.served.signature, row)], context, null);
    if (answer instanceof AppError) throw answer;
    return answer as Answer;
  }

  /** Answers each row or says why it failed, in order. Fails as a whole only when nothing could be tried or logged. */
  async predictBatch(
    target: Target,
    rows: readonly JsonValue[],
    context: RequestContext,
  ): Promise<readonly (Answer | AppError)[]> {
    if (rows.length > this.#deps.maxRequestRows) {
      throw new AppError(
        'BODY_TOO_LARGE',
        `${rows.length} rows in one request; the most is ${this.#deps.maxRequestRows}`,
      );
    }
    if (rows.length === 0) return [];
    const { signature } = target.served;
    return this.#run(
      target,
      rows.map((row) => rowOf(signature, row)),
      context,
      'instances',
    );
  }

  async #run(
    target: Target,
    rows: readonly JsonValue[],
    context: RequestContext,
    path: string | null,
  ): Promise<readonly (Answer | AppError)[]> {
    const { meter } = this.#deps;
    const { served } = target;
    served.pin();
    meter.inflight(1);
    try {
      const results = new Array<RowOutput | AppError>(rows.length);
      const good: InputRecord[] = [];
      const places: number[] = [];
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i] as JsonValue;
        if (served.check.fits(row)) {
          good.push(row);
          places.push(i);
        } else results[i] = invalid(served.check.problems(row, path === null ? '' : `${path}[${i}].`));
      }
      if (good.length > 0) await this.#infer(target, good, places, results);
      return await this.#logAll(target, rows, results, context);
    } finally {
      meter.inflight(-1);
      served.unpin();
    }
  }

  async #infer(
    target: Target,
    good: readonly InputRecord[],
    places: readonly number[],
    results: (RowOutput | AppError)[],
  ): Promise<void> {
    try {
      const { outputs, queueMs, inferenceMs } = await target.served.batcher.run(good);
      target.meter.queue.observe(queueMs / 1000);
      target.meter.inference.observe(inferenceMs / 1000);
      for (let i = 0; i < outputs.length; i++)
        results[places[i] as number] = outputs[i] as RowOutput | AppError;
    } catch (error) {
      const reason =
        error instanceof AppError ? error : new AppError('INTERNAL', messageOf(error), { cause: error });
      for (const place of places) results[place] = reason;
    }
  }

  async #logAll(
    target: Target,
    rows: readonly JsonValue[],
    results: readonly (RowOutput | AppError)[],
    context: RequestContext,
  ): Promise<readonly (Answer | AppError)[]> {
    const { clock, log } = this.#deps;
    const latencyMs = clock.elapsed() - context.receivedAt;
    let written: Promise<void> | null = null;
    const answers = results.map((result, i): Answer | AppError => {
      const id = uuidV7(clock.now());
      const failure = result instanceof AppError ? result : null;
      const outcome = failure === null ? 'ok' : outcomeOf(failure);
      target.meter.count(outcome, latencyMs / 1000);
      const rendered = result instanceof AppError ? null : target.render(result);
      if (outcome !== 'rejected' || this.#rejections.open()) {
        written = log.append(
          predictionLine({
            at: timeOfUuidV7(id) ?? clock.now(),
            id,
            outcome,
            status: failure === null ? 200 : target.statusOf(failure),
            latencyMs,
            target: target.line,
            context,
            input: outcome === 'rejected' ? null : target.redact(rows[i] as JsonObject),
            output: rendered,
            ...(failure !== null && { errorCode: failure.code }),
          }),
        );
      }
      return failure ?? { id, rendered: rendered as RenderedOutput, logged: true };
    });
    if (written === null || (await this.#isWritten(written))) return answers;
    return answers.map((answer) => (answer instanceof AppError ? answer : { ...answer, logged: false }));
  }

  /** Lines of one turn share a write, so waiting for the last line waits for all. */
  async #isWritten(written: Promise<void>): Promise<boolean> {
    try {
      await written;
      return true;
    } catch (error) {
      this.#deps.meter.unlogged();
      if (this.#deps.onUnwritable === 'refuse') throw error;
      return false;
    }
  }
}

function invalid(problems: readonly FieldProblem[]): AppError {
  const [first] = problems;
  const more = problems.length > 1 ? `, and ${problems.length - 1} more problems` : '';
  const summary =
    first === undefined
      ? 'The row does not fit the signature'
      : `${first.path || 'The row'} ${first.message}${more}`;
  return new AppError('INPUT_INVALID', summary, { problems });
}

function outcomeOf(failure: AppError): Outcome {
  if (failure.kind === 'timeout') return 'timeout';
  return failure.kind === 'invalid' || failure.kind === 'unavailable' ? 'rejected' : 'failed';
}

/** Lets so many through in each second of the clock. */
class RateGate {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #second = -1;
  #left = 0;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  open(): boolean {
    const second = Math.floor(this.#clock.elapsed() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#left = this.#perSecond;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
