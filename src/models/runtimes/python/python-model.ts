import { AppError } from '../../../kernel/errors.ts';
import type { JsonValue } from '../../../kernel/json.ts';
import type { InputRecord } from '../../record-check.ts';
import type { Field, Signature } from '../../signature.ts';
import type { RowOutput, RuntimeHealth, RuntimeModel } from '../runtime.ts';
import { shapeOf } from '../value-shape.ts';
import type { FieldBinding } from './bind-fields.ts';
import type { OutputBinding } from './bind-output.ts';
import { type ColumnEncoder, compileColumns, type EncodedColumns } from './columns.ts';
import { decodeResult } from './decode-result.ts';
import { pythonError } from './start-failure.ts';
import { frameBytes } from './workers/frames.ts';
import type { WorkerPool } from './workers/worker-pool.ts';

type Row = Readonly<Record<string, JsonValue | undefined>>;

/** Rows of one run: they have the same parameters, and values of the same shapes. */
interface Group {
  readonly params: string;
  readonly places: number[];
}

/** A model in the workers of a pool. */
export class PythonModel implements RuntimeModel {
  readonly signature: Signature;
  readonly maxRows: number;
  readonly lanes: number;
  readonly #pool: WorkerPool;
  readonly #encoder: ColumnEncoder;
  readonly #params: readonly Field[];
  readonly #freeFields: readonly string[];
  readonly #output: OutputBinding;
  readonly #onReleased: () => Promise<void>;
  #runs = 0;

  constructor(
    pool: WorkerPool,
    fields: FieldBinding,
    output: OutputBinding,
    onReleased: () => Promise<void>,
  ) {
    this.#pool = pool;
    this.#encoder = compileColumns(fields.columns);
    this.#params = fields.params;
    this.#freeFields = fields.columns.filter(({ shape }) => shape.includes(-1)).map(({ name }) => name);
    this.#output = output;
    this.#onReleased = onReleased;
    this.maxRows = fields.maxRows;
    this.lanes = pool.workers;
    this.signature = {
      fields: [...fields.columns, ...fields.params],
      acceptsArray: fields.acceptsArray && fields.params.length === 0,
      output: output.output,
      tensors: {
        matrix: fields.matrix,
        ...(fields.declared && { declared: fields.declared }),
        outputs: output.tensors,
        answers: 'list',
      },
    };
  }

  async run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    if (this.#params.length === 0 && this.#freeFields.length === 0) return this.#runAlike(rows, 'null');
    const outputs = new Array<RowOutput>(rows.length);
    for (const { params, places } of this.#groups(rows)) {
      const answers = await this.#runAlike(
        places.map((place) => rows[place] as InputRecord),
        params,
      );
      places.forEach((place, i) => {
        outputs[place] = answers[i] as RowOutput;
      });
    }
    return outputs;
  }

  runVectors(vectors: Float32Array, count: number): Promise<readonly RowOutput[]> {
    return this.#runEncoded(this.#encoder.encodeVectors(vectors, count), count, this.#paramsOf({}));
  }

  health(): RuntimeHealth {
    return this.#pool.health();
  }

  async release(): Promise<void> {
    await this.#pool.release();
    await this.#onReleased();
  }

  #runAlike(rows: readonly InputRecord[], params: string): Promise<readonly RowOutput[]> {
    return this.#runEncoded(this.#encoder.encode(rows), rows.length, params);
  }

  /** The bytes are written before anything is waited for: encoder and vectors are used anew then. */
  async #runEncoded(
    { columns, body }: EncodedColumns,
    rows: number,
    params: string,
  ): Promise<readonly RowOutput[]> {
    const id = ++this.#runs;
    const header = `{"type":"predict","id":${id},"rows":${rows},"columns":${columns},"params":${params}}`;
    const bytes = frameBytes(header, body);
    if (bytes === null)
      throw new AppError('INFERENCE_FAILED', 'the rows of one run do not fit into one message');
    return this.#pool.run({ id, bytes }, (answer) => {
      if ('kind' in answer) {
        throw new AppError('INFERENCE_FAILED', `Python: ${answer.message}`, { cause: pythonError(answer) });
      }
      return decodeResult(answer, rows, this.#output);
    });
  }

  #groups(rows: readonly InputRecord[]): Iterable<Group> {
    const groups = new Map<string, Group>();
    rows.forEach((row, place) => {
      const params = this.#paramsOf(row);
      const shapes = this.#freeFields.map((name) => shapeOf(row[name] ?? null).join('x'));
      const key = `${shapes.join('|')} ${params}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { params, places: [place] });
      else group.places.push(place);
    });
    return groups.values();
  }

  #paramsOf(row: Row): string {
    if (this.#params.length === 0) return 'null';
    return JSON.stringify(
      Object.fromEntries(this.#params.map(({ name, param }) => [name, row[name] ?? param?.default ?? null])),
    );
  }
}
