import type { Outcome } from '../contracts/log-record.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError, type FieldProblem, messageOf } from '../kernel/errors.ts';
import { timeInside, uuidV7 } from '../kernel/ids.ts';
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
  /** The JSON that each row was read from, in their order, where it may stand in a log line: one line, not too long. */
  readonly rowTexts: readonly (string | null)[] | null;
}

/** One answered row. */
export interface Answer {
  readonly id: string;
  readonly rendered: RenderedOutput;
  /** False only when the log cannot be written and the operator chose to answer all the same. */
  readonly logged: boolean;
}

/** A row, and the JSON that it was read from where that is known. */
interface RowSource {
  readonly row: JsonValue;
  readonly text: string | null;
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
  async predict(target: Target, value: JsonValue, context: RequestContext): Promise<Answer> {
    const { served } = target;
    const { meter } = this.#deps;
    served.pin();
    meter.inflight(1);
    try {
      const row = rowOf(served.signature, value);
      let result: RowOutput | AppError;
      if (served.check.fits(row)) {
        const [output] = await this.#infer(target, [row]);
        result = output as RowOutput | AppError;
      } else result = invalid(served.check.problems(row));
      const text = row === value ? (context.rowTexts?.[0] ?? null) : null;
      const record = this.#record(target, { row, text }, result, context, this.#latencyOf(context));
      const logged = record.written === null || (await this.#isWritten(record.written));
      if (record.answer instanceof AppError) throw record.answer;
      return logged ? record.answer : { ...record.answer, logged };
    } finally {
      meter.inflight(-1);
      served.unpin();
    }
  }

  /** Answers each row or says why it failed, in order. Fails as a whole only when nothing could be tried or logged. */
  async predictBatch(
    target: Target,
    values: readonly JsonValue[],
    context: RequestContext,
  ): Promise<readonly (Answer | AppError)[]> {
    const { meter, maxRequestRows } = this.#deps;
    const { served } = target;
    if (values.length > maxRequestRows) {
      throw new AppError(
        'BODY_TOO_LARGE',
        `${values.length} rows in one request; the most is ${maxRequestRows}`,
      );
    }
    served.pin();
    meter.inflight(1);
    try {
      const rows = values.map((value) => rowOf(served.signature, value));
      const good = rows.filter((row) => served.check.fits(row)) as InputRecord[];
      const outputs = good.length > 0 ? await this.#infer(target, good) : [];
      const latencyMs = this.#latencyOf(context);
      let written: Promise<void> | null = null;
      let next = 0;
      const answers = rows.map((row, i) => {
        const fits = good[next] === row;
        const result = fits ? outputs[next++] : invalid(served.check.problems(row, `instances[${i}].`));
        const text = row === values[i] ? (context.rowTexts?.[i] ?? null) : null;
        const record = this.#record(
          target,
          { row, text },
          result as RowOutput | AppError,
          context,
          latencyMs,
        );
        written = record.written ?? written;
        return record.answer;
      });
      const logged = written === null || (await this.#isWritten(written));
      const refusal = refusalOfAll(outputs);
      if (refusal !== null) throw refusal;
      if (logged) return answers;
      return answers.map((answer) => (answer instanceof AppError ? answer : { ...answer, logged: false }));
    } finally {
      meter.inflight(-1);
      served.unpin();
    }
  }

  #latencyOf(context: RequestContext): number {
    return this.#deps.clock.elapsed() - context.receivedAt;
  }

  /** Each row's output, or why it has none; a failure of the whole run is every row's. */
  async #infer(target: Target, rows: readonly InputRecord[]): Promise<readonly (RowOutput | AppError)[]> {
    try {
      const { outputs, queueMs, inferenceMs } = await target.served.batcher.run(rows);
      target.meter.queue.observe(queueMs / 1000);
      target.meter.inference.observe(inferenceMs / 1000);
      return outputs;
    } catch (error) {
      const reason =
        error instanceof AppError ? error : new AppError('INTERNAL', messageOf(error), { cause: error });
      return rows.map(() => reason);
    }
  }

  /** Counts the row and gives its line to the log; rejections beyond the rate are counted only. */
  #record(
    target: Target,
    source: RowSource,
    result: RowOutput | AppError,
    context: RequestContext,
    latencyMs: number,
  ): { readonly answer: Answer | AppError; readonly written: Promise<void> | null } {
    const { clock, log } = this.#deps;
    const failure = result instanceof AppError ? result : null;
    const outcome = failure === null ? 'ok' : outcomeOf(failure);
    target.meter.count(outcome, latencyMs / 1000);
    if (outcome === 'rejected' && !this.#rejections.open())
      return { answer: failure as AppError, written: null };
    const id = uuidV7(clock.now());
    const rendered = result instanceof AppError ? null : target.render(result);
    const written = log.append(
      predictionLine({
        at: timeInside(id),
        id,
        outcome,
        status: failure === null ? 200 : target.statusOf(failure),
        latencyMs,
        target: target.line,
        context,
        inputJson: outcome === 'rejected' ? null : inputJson(target, source),
        output: rendered,
        errorCode: failure?.code ?? null,
      }),
    );
    return { answer: failure ?? { id, rendered: rendered as RenderedOutput, logged: true }, written };
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

/** Why not one row was tried, where the queue or the deadline refused them together: then the caller is to come back. */
function refusalOfAll(outputs: readonly (RowOutput | AppError)[]): AppError | null {
  const [first] = outputs;
  if (!(first instanceof AppError) || (first.kind !== 'unavailable' && first.kind !== 'timeout')) return null;
  return outputs.every((output) => output === first) ? first : null;
}

function inputJson({ redact }: Target, { row, text }: RowSource): string {
  if (redact !== null) return JSON.stringify(redact(row as JsonObject));
  return text ?? JSON.stringify(row);
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
