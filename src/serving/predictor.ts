import type { Outcome } from '../contracts/log-record.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError, asAppError, type ErrorKind, type FieldProblem, summaryOf } from '../kernel/errors.ts';
import { timeInside, uuidV7 } from '../kernel/ids.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import type { InputRecord } from '../models/record-check.ts';
import { type Rows, RowTable } from '../models/row-table.ts';
import type { RowOutput } from '../models/runtimes/runtime.ts';
import { admitFitting, admitTable, type RowSource, type RowTexts } from './admitted-rows.ts';
import type { OnOutputs } from './batcher.ts';
import type { LineContext } from './prediction-log/lines.ts';
import { lineFrame, predictionLine } from './prediction-log/lines.ts';
import type { PredictionLog } from './prediction-log/prediction-log.ts';
import type { RenderedOutput } from './render.ts';
import { requireRows, rowOf } from './row.ts';
import type { ServedVersion } from './served-version.ts';
import type { ServingMeter } from './serving-meter.ts';
import type { Target } from './target.ts';

/** What a dialect says of one request. */
export interface RequestContext extends LineContext {
  /** `clock.elapsed()` when the body was parsed. */
  readonly receivedAt: number;
  readonly rowTexts: RowTexts;
}

/** One answered row. */
export interface Answer {
  readonly id: string;
  readonly output: RowOutput;
  readonly rendered: RenderedOutput;
  /** False only when the log cannot be written and the operator chose to answer all the same. */
  readonly logged: boolean;
}

/** What rows share that are answered together. */
interface Answered {
  readonly context: RequestContext;
  readonly latencyMs: number;
  /** By `lineFrame`, of the rows that got an answer. */
  readonly frame: string;
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
  /** Longest time for an answer in pieces, milliseconds. */
  readonly deadlineMs: number;
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
  predict(target: Target, value: JsonValue, context: RequestContext): Promise<Answer> {
    return this.#predictOne(target, value, context, async (row) => {
      let result: RowOutput | AppError | undefined;
      const failure = await this.#infer(target, [row], (_, outputs) => {
        [result] = outputs;
      });
      return failure ?? (result as RowOutput | AppError);
    });
  }

  /**
   * Answers one row of a model that makes a text, handing on its pieces before the whole is logged: what a caller has of
   * a text counts as answered only with the answer itself. CALLER_GONE when `signal` says that nobody waits for it.
   */
  predictStream(
    target: Target,
    value: JsonValue,
    context: RequestContext,
    onPiece: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { clock, deadlineMs } = this.#deps;
    const deadline = AbortSignal.timeout(deadlineMs);
    return this.#predictOne(target, value, context, async (row) => {
      const startedAt = clock.elapsed();
      try {
        const output = await target.served.stream(row, onPiece, AbortSignal.any([signal, deadline]));
        const inferenceMs = clock.elapsed() - startedAt;
        target.meter.inference.observe(inferenceMs / 1000);
        target.meter.tally.ran(0, inferenceMs);
        return output;
      } catch (error) {
        if (signal.aborted) return new AppError('CALLER_GONE', 'The caller hung up', { cause: error });
        if (deadline.aborted)
          return new AppError('DEADLINE_EXCEEDED', `No answer within ${deadlineMs} ms`, { cause: error });
        return asAppError(error, 'INFERENCE_FAILED');
      }
    });
  }

  async #predictOne(
    target: Target,
    value: JsonValue,
    context: RequestContext,
    infer: (row: InputRecord) => Promise<RowOutput | AppError>,
  ): Promise<Answer> {
    const { served } = target;
    const { meter } = this.#deps;
    served.pin();
    meter.inflight(1);
    try {
      const row = rowOf(served.signature, value);
      const result = served.check.fits(row) ? await infer(row) : invalid(served.check.problems(row));
      const text = row === value ? (context.rowTexts?.[0] ?? null) : null;
      const answered = this.#answered(target, context);
      const record = this.#record(target, { row, text }, result, answered);
      this.#tally(target, record.answer instanceof AppError ? 0 : 1, answered);
      const logged = record.written === null || (await this.#isWritten(record.written));
      if (record.answer instanceof AppError) throw record.answer;
      return logged ? record.answer : { ...record.answer, logged };
    } finally {
      meter.inflight(-1);
      served.unpin();
    }
  }

  /**
   * Answers each row or says why it failed, in order. Fails as a whole only when nothing could be tried or logged. The rows
   * of a table were checked.
   * `onAnswer` is told of each as soon as it is known, while others still run: what it is told holds only if the same
   * answer stands in the result.
   */
  async predictBatch(
    target: Target,
    values: readonly JsonValue[] | RowTable,
    context: RequestContext,
    onAnswer: (place: number, answer: Answer | AppError) => void = () => undefined,
  ): Promise<readonly (Answer | AppError)[]> {
    const { meter, maxRequestRows } = this.#deps;
    const { served } = target;
    requireRows(values.length, maxRequestRows);
    served.pin();
    meter.inflight(1);
    try {
      const answers = new Array<Answer | AppError>(values.length);
      const written = new Set<Promise<void>>();
      let answered = this.#answered(target, context);
      const settle = (place: number, source: RowSource, result: RowOutput | AppError): void => {
        const record = this.#record(target, source, result, answered);
        answers[place] = record.answer;
        onAnswer(place, record.answer);
        if (record.written !== null) written.add(record.written);
      };
      const { rows, placeOf, sourceOf } =
        values instanceof RowTable
          ? admitTable(target, values, context.rowTexts)
          : admitFitting(served, values, context.rowTexts, (place, source) => {
              const problems = served.check.problems(source.row, `instances[${place}].`);
              settle(place, source, invalid(problems));
            });
      let tried = 0;
      const failure = await this.#infer(target, rows, (from, outputs) => {
        answered = this.#answered(target, context);
        outputs.forEach((output, i) => {
          settle(placeOf(from + i), sourceOf(from + i), output);
        });
        tried += outputs.length;
      });
      if (failure !== null) {
        answered = this.#answered(target, context);
        for (let i = 0; i < rows.length; i++)
          if (answers[placeOf(i)] === undefined) settle(placeOf(i), sourceOf(i), failure);
      }
      this.#tally(target, answers.filter((answer) => !(answer instanceof AppError)).length, answered);
      const logged = await this.#isWritten(Promise.all(written));
      if (failure !== null && tried === 0 && isPassing(failure)) throw failure;
      if (logged) return answers;
      return answers.map((answer) => (answer instanceof AppError ? answer : { ...answer, logged: false }));
    } finally {
      meter.inflight(-1);
      served.unpin();
    }
  }

  /**
   * All rows or none, as dialects have it that know no answer for a part: when one row does not fit, none is run, and
   * INPUT_INVALID says what is wrong with each; when one fails, its failure is the request's.
   */
  async predictAll(
    target: Target,
    values: readonly JsonValue[],
    context: RequestContext,
  ): Promise<readonly Answer[]> {
    const { served } = target;
    const [only] = values;
    requireRows(values.length, this.#deps.maxRequestRows);
    if (values.length === 1 && only !== undefined) return [await this.predict(target, only, context)];
    const problems = problemsOf(served, values);
    if (problems.length > 0) return this.refuse(target, invalid(problems), context);
    const answers = await this.predictBatch(target, values, context);
    const failed = answers.find((answer) => answer instanceof AppError);
    if (failed !== undefined) throw failed;
    return answers as readonly Answer[];
  }

  /** Counts and logs a request whose rows do not fit the signature, and fails with what is wrong with them. */
  async refuse(target: Target, error: AppError, context: RequestContext): Promise<never> {
    const answered = this.#answered(target, context);
    const { written } = this.#record(target, { row: null, text: null }, error, answered);
    this.#tally(target, 0, answered);
    await this.#isWritten(written ?? Promise.resolve());
    throw error;
  }

  #tally({ meter }: Target, rows: number, { latencyMs }: Answered): void {
    meter.tally.answered(rows, latencyMs, this.#deps.clock.now());
  }

  #answered(target: Target, context: RequestContext): Answered {
    const latencyMs = this.#deps.clock.elapsed() - context.receivedAt;
    return { context, latencyMs, frame: frameOf(target, context, latencyMs, null) };
  }

  /** Null when every row was handed to `onOutputs`; otherwise why the rest of them have none. */
  async #infer(target: Target, rows: Rows, onOutputs: OnOutputs): Promise<AppError | null> {
    if (rows.length === 0) return null;
    try {
      const { queueMs, inferenceMs } = await target.served.batcherFor(rows.length).run(rows, onOutputs);
      target.meter.queue.observe(queueMs / 1000);
      target.meter.inference.observe(inferenceMs / 1000);
      target.meter.tally.ran(queueMs, inferenceMs);
      return null;
    } catch (error) {
      return asAppError(error);
    }
  }

  /** Counts the row and gives its line to the log; rejections beyond the rate are counted only. */
  #record(
    target: Target,
    source: RowSource,
    result: RowOutput | AppError,
    { context, latencyMs, frame }: Answered,
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
        frame: failure === null ? frame : frameOf(target, context, latencyMs, failure),
        inputJson: outcome === 'rejected' ? null : inputJson(target, source),
        output: rendered,
      }),
    );
    const answer = failure ?? {
      id,
      output: result as RowOutput,
      rendered: rendered as RenderedOutput,
      logged: true,
    };
    return { answer, written };
  }

  async #isWritten(written: Promise<unknown>): Promise<boolean> {
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

/** What is wrong with all rows together, bounded: of many rows the first faults say enough. */
function problemsOf(served: ServedVersion, values: readonly JsonValue[]): readonly FieldProblem[] {
  const found: FieldProblem[] = [];
  values.forEach((value, place) => {
    const row = rowOf(served.signature, value);
    if (found.length < MAX_PROBLEMS && !served.check.fits(row))
      found.push(...served.check.problems(row, `[${place}].`));
  });
  return found.slice(0, MAX_PROBLEMS);
}

const MAX_PROBLEMS = 100;

/** Whether the caller does well to come back with the same rows. */
function isPassing(failure: AppError): boolean {
  return failure.kind === 'unavailable' || failure.kind === 'timeout';
}

function frameOf(
  target: Target,
  context: RequestContext,
  latencyMs: number,
  failure: AppError | null,
): string {
  return lineFrame({
    outcome: failure === null ? 'ok' : outcomeOf(failure),
    status: failure === null ? 200 : target.statusOf(failure),
    latencyMs,
    target: target.line,
    context,
    errorCode: failure?.code ?? null,
  });
}

function inputJson({ redact }: Target, { row, text }: RowSource): string {
  if (redact !== null) return JSON.stringify(redact(row as JsonObject));
  return text ?? JSON.stringify(row);
}

function invalid(problems: readonly FieldProblem[]): AppError {
  const summary =
    problems.length === 0 ? 'The row does not fit the signature' : summaryOf(problems, 'The row');
  return new AppError('INPUT_INVALID', summary, { problems });
}

function outcomeOf(failure: AppError): Outcome {
  if (failure.kind === 'timeout') return 'timeout';
  return REJECTIONS.has(failure.kind) ? 'rejected' : 'failed';
}

/** What says nothing of the model. */
const REJECTIONS: ReadonlySet<ErrorKind> = new Set(['invalid', 'unavailable', 'slow_client']);

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
