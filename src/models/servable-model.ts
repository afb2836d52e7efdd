import { AppError } from '../kernel/errors.ts';
import type { InputRecord } from './record-check.ts';
import type { RowTable } from './row-table.ts';
import type { RowTransform } from './row-transform.ts';
import type {
  LoadedModel,
  ModelArtifact,
  RowOutput,
  Runtime,
  RuntimeHealth,
  RuntimeModel,
} from './runtimes/runtime.ts';
import { describeField, floatMaximum, type Signature } from './signature.ts';
import { transformOf } from './transform-files.ts';

/** A model with everything that lies between a raw row and its answer. */
export interface ServableModel extends LoadedModel {
  /** Null for a model that takes its fields as they are. */
  readonly transform: RowTransform | null;
}

/**
 * Loads an artifact with its transform, where it has one. Beside what the runtime refuses: TRANSFORM_INVALID for a
 * transform that cannot be read or was not fitted, SIGNATURE_MISMATCH where it does not make what the model takes.
 */
export async function openModel(artifact: ModelArtifact, runtime: Runtime): Promise<ServableModel> {
  const transform = await transformOf(artifact.files);
  const model = await runtime.load(artifact);
  if (transform === null) return withoutTransform(model);
  try {
    requireFit(transform, model.signature);
  } catch (error) {
    await model.release();
    throw error;
  }
  return new TransformedModel(model, transform);
}

function withoutTransform(model: RuntimeModel): ServableModel {
  return {
    signature: model.signature,
    maxRows: model.maxRows,
    lanes: model.lanes,
    transform: null,
    run: (rows) => model.run(rows),
    ...(model.runTable && { runTable: model.runTable.bind(model) }),
    ...(model.stream && { stream: model.stream.bind(model) }),
    ...(model.health && { health: model.health.bind(model) }),
    release: () => model.release(),
  };
}

class TransformedModel implements ServableModel {
  readonly signature: Signature;
  readonly maxRows: number;
  readonly lanes: number;
  readonly transform: RowTransform;
  readonly runTable?: (table: RowTable) => Promise<readonly RowOutput[]>;
  readonly #model: RuntimeModel;
  readonly #width: number;
  #vectors: Float32Array;

  constructor(model: RuntimeModel, transform: RowTransform) {
    this.#model = model;
    this.transform = transform;
    this.maxRows = model.maxRows;
    this.lanes = model.lanes;
    const { output, tensors } = model.signature;
    this.signature = {
      fields: transform.fields,
      acceptsArray: false,
      output,
      tensors: { ...tensors, matrix: null, declared: 'columns' },
    };
    this.#width = transform.columns.length;
    this.#vectors = new Float32Array(this.#width);
    const encodeTable = transform.encodeTable?.bind(transform);
    if (encodeTable !== undefined) {
      this.runTable = async (table) => {
        const vectors = this.#vectorsFor(table.length);
        encodeTable(table, vectors);
        return model.runVectors(vectors, table.length);
      };
    }
  }

  async run(rows: readonly InputRecord[]): Promise<readonly RowOutput[]> {
    const vectors = this.#vectorsFor(rows.length);
    for (let row = 0; row < rows.length; row++)
      this.transform.encode(rows[row] as InputRecord, vectors, row * this.#width);
    return this.#model.runVectors(vectors, rows.length);
  }

  /** Good until the next call. */
  #vectorsFor(rows: number): Float32Array {
    const size = rows * this.#width;
    if (this.#vectors.length < size)
      this.#vectors = new Float32Array(Math.max(size, this.#vectors.length * 2));
    return this.#vectors.subarray(0, size);
  }

  health(): RuntimeHealth {
    return this.#model.health?.() ?? { status: 'ok', reason: null };
  }

  release(): Promise<void> {
    return this.#model.release();
  }
}

/**
 * A model that declares no names calls its columns f0, f1 … or, where there is one, as its input; then only their number
 * can be compared.
 */
function requireFit({ columns }: RowTransform, { fields }: Signature): void {
  const unfit = fields.find((field) => field.shape.length > 0 || floatMaximum(field.type) === null);
  if (unfit !== undefined) {
    throw mismatch(
      `the model's input "${unfit.name}" is ${describeField(unfit)}, and a transform makes single floats: export the model with one float matrix`,
    );
  }
  if (fields.length !== columns.length) {
    throw mismatch(`it makes ${columns.length} columns, the model takes ${fields.length}`);
  }
  if (fields.length === 1 || fields.every((field, i) => field.name === `f${i}`)) return;
  const wrong = fields.findIndex((field, i) => field.name !== columns[i]);
  if (wrong !== -1) {
    throw mismatch(
      `its column ${wrong + 1} is "${columns[wrong]}", the model's is "${fields[wrong]?.name}": give its outputs the names and the order of the model's inputs`,
    );
  }
}

function mismatch(reason: string): AppError {
  return new AppError('SIGNATURE_MISMATCH', `The transform does not fit the model: ${reason}`);
}
