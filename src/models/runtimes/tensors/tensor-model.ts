import type { AppError } from '../../../kernel/errors.ts';
import type { InputRecord } from '../../record-check.ts';
import type { RowTable } from '../../row-table.ts';
import type { ElementType, GraphTensors, Signature } from '../../signature.ts';
import type { DeclaredInput, RowOutput, RuntimeModel } from '../runtime.ts';
import { shapeOf } from '../value-shape.ts';
import type { InputBinding } from './bind-inputs.ts';
import { decodeOutputs, type OutputTensor } from './decode-outputs.ts';
import { compileEncoder, compileTableEncoder, compileVectorEncoder, type EncodedTensor } from './encode.ts';
import type { OutputPlan } from './interpret-outputs.ts';

export interface InputTensor extends EncodedTensor {
  readonly type: ElementType;
}

/** What runs tensors: a graph in memory, or another server. */
export interface TensorSession {
  /** Runs that may be under way at a time. */
  readonly lanes: number;
  /** The outputs named in `fetches`. The feeds may be used anew once it returns. */
  run(
    feeds: Readonly<Record<string, InputTensor>>,
    fetches: readonly string[],
  ): Readonly<Record<string, OutputTensor>> | Promise<Readonly<Record<string, OutputTensor>>>;
  release(): void | Promise<void>;
}

export interface TensorModelParts {
  readonly binding: InputBinding;
  readonly plan: OutputPlan;
  readonly declared: readonly DeclaredInput[] | null;
  /** Why a run failed, as callers are told it. */
  readonly failureOf: (error: unknown) => AppError;
  /** What the model takes for a missing text. */
  readonly missingText?: string;
}

/** Rows to the tensors of a session and its tensors to answers. */
export class TensorModel implements RuntimeModel {
  readonly signature: Signature;
  readonly maxRows: number;
  readonly lanes: number;
  readonly #session: TensorSession;
  readonly #plan: OutputPlan;
  readonly #failureOf: (error: unknown) => AppError;
  readonly #encoders: readonly {
    readonly name: string;
    readonly type: ElementType;
    readonly encode: ReturnType<typeof compileEncoder>;
    readonly encodeVectors: ReturnType<typeof compileVectorEncoder>;
    readonly encodeTable: ReturnType<typeof compileTableEncoder>;
  }[];
  readonly #freeFields: readonly string[];

  constructor(session: TensorSession, parts: TensorModelParts) {
    const { binding, plan, declared, failureOf, missingText } = parts;
    this.#session = session;
    this.#plan = plan;
    this.#failureOf = failureOf;
    this.#encoders = binding.tensors.map((tensor) => ({
      name: tensor.name,
      type: tensor.type,
      encode: compileEncoder(tensor, missingText),
      encodeVectors: compileVectorEncoder(tensor, binding.fields),
      encodeTable: compileTableEncoder(tensor, binding.fields, missingText),
    }));
    this.#freeFields = binding.fields.filter((field) => field.shape.includes(-1)).map((field) => field.name);
    this.maxRows = binding.maxRows;
    this.lanes = session.lanes;
    this.signature = {
      fields: binding.fields,
      acceptsArray: binding.acceptsArray,
      output: plan.spec,
      tensors: { matrix: binding.matrix, ...declaredAs(declared), outputs: plan.tensors },
    };
  }

  async run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    if (this.#freeFields.length === 0) return this.#runSameShape(rows);
    const outputs = new Array<RowOutput>(rows.length);
    const groups = [...this.#groupByShape(rows)];
    const runs = await Promise.allSettled(
      groups.map((group) => this.#runSameShape(group.map((index) => rows[index] as InputRecord))),
    );
    runs.forEach((run, place) => {
      if (run.status === 'rejected') throw run.reason;
      groups[place]?.forEach((index, i) => {
        outputs[index] = run.value[i] as RowOutput;
      });
    });
    return outputs;
  }

  async runTable(table: RowTable): Promise<readonly RowOutput[]> {
    const feeds: Record<string, InputTensor> = {};
    for (const { name, type, encodeTable } of this.#encoders) feeds[name] = { type, ...encodeTable(table) };
    return this.#runFeeds(feeds, table.length);
  }

  async runVectors(vectors: Float32Array, count: number): Promise<readonly RowOutput[]> {
    const feeds: Record<string, InputTensor> = {};
    for (const { name, type, encodeVectors } of this.#encoders)
      feeds[name] = { type, ...encodeVectors(vectors, count) };
    return this.#runFeeds(feeds, count);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #runSameShape(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    const feeds: Record<string, InputTensor> = {};
    for (const { name, type, encode } of this.#encoders) feeds[name] = { type, ...encode(rows) };
    return this.#runFeeds(feeds, rows.length);
  }

  async #runFeeds(
    feeds: Readonly<Record<string, InputTensor>>,
    count: number,
  ): Promise<readonly RowOutput[]> {
    try {
      const outputs = await this.#session.run(feeds, this.#plan.fetches);
      return decodeOutputs(this.#plan, outputs, count);
    } catch (error) {
      throw this.#failureOf(error);
    }
  }

  #groupByShape(rows: readonly InputRecord[]): Iterable<readonly number[]> {
    const groups = new Map<string, number[]>();
    rows.forEach((row, index) => {
      const key = this.#freeFields.map((name) => shapeOf(row[name] ?? null).join('x')).join('|');
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [index]);
      else group.push(index);
    });
    return groups.values();
  }
}

function declaredAs(inputs: readonly DeclaredInput[] | null): Pick<GraphTensors, 'declared'> {
  if (inputs === null || inputs.length === 0) return {};
  return { declared: inputs.some((input) => input.shape === null) ? 'columns' : 'tensors' };
}
